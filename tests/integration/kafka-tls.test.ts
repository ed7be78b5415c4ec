import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { createKafka } from '../../etl/kafka/client.ts'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { installedStreams } from '../../etl/stream/installed.ts'
import { streams } from '../../streams/index.ts'
import type { Child } from '../support/child.ts'
import { aProducer, sentBy } from '../support/fault-backlog.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { allow, type Right } from '../support/kafka.ts'
import { aSecuredKafka, type SecuredKafka } from '../support/secured-kafka.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

let kafka: SecuredKafka
let skipped: string | undefined
beforeAll(async () => {
  const started = await aSecuredKafka()
  if (typeof started === 'string') skipped = started
  else kafka = started
})
beforeEach(({ skip }) => skip(skipped !== undefined, skipped))
afterAll(() => skipped === undefined && kafka.stop())

/** A world that looks on as the administrator; its programs get a user of their own. */
function securedWorld(options: { withoutTopics?: boolean } = {}): Promise<World> {
  return aWorld({
    ...options,
    partitions: 1,
    servers: { kafkaBrokers: kafka.ports.password, databaseUrl: inject('databaseUrl') },
    env: kafka.envOf('admin'),
  })
}

/** It makes those of every stream. */
const topicsOf = (env: World['env']): string[] =>
  installedStreams(readConfig(['kafka'], env), streams, env).flatMap(({ config }) => [
    config.KAFKA_TOPIC,
    config.KAFKA_DLQ_TOPIC,
  ])

/** The least that each program needs; docs/CONFIGURATION.md lists the same. */
const RIGHTS: Record<'topics' | 'producer' | 'etl', (world: World) => Right[]> = {
  topics: ({ env }) =>
    topicsOf(env).map((topic) => ({ on: { topic }, may: ['CREATE', 'DESCRIBE', 'DESCRIBE_CONFIGS'] })),
  producer: ({ topic }) => [{ on: { topic }, may: ['WRITE'] }],
  etl: ({ topic, dlqTopic, groupId }) => [
    { on: { topic }, may: ['READ', 'WRITE', 'DESCRIBE_CONFIGS'] },
    { on: { topic: dlqTopic }, may: ['WRITE'] },
    { on: { group: groupId }, may: ['READ'] },
  ],
}

test('with a login and the least rights for each program, everything works', async () => {
  const world = await securedWorld({ withoutTopics: true })
  for (const user of ['topics', 'producer', 'etl'] as const) await allow(world, user, RIGHTS[user](world))

  const topics = world.startProgram('scripts/topics.ts', [], kafka.envOf('topics'))
  expect(await endOf(topics)).toMatchObject({ code: 0 })
  const again = world.startProgram('scripts/topics.ts', [], kafka.envOf('topics'))
  expect(await endOf(again)).toMatchObject({ code: 0 })
  expect(again.output()).toContain('there, as wanted')

  const sent = await sentBy(aProducer(world, { PRODUCER_LIMIT: '300', ...kafka.envOf('producer') }))
  const etl = world.startEtl(kafka.envOf('etl'))
  await expectExactly(world, sent)
  const pulse = (...args: string[]) => world.startProgram('scripts/pulse.ts', args, kafka.envOf('etl'))
  const redrive = pulse('dead-letters', 'redrive', '--all', '--reason', 'to see it', '--yes')
  expect(await endOf(redrive)).toMatchObject({ code: 0 })
  await waitFor('the records sent again', async () => {
    const letters = await world.deadLetters()
    return letters.length === 2 * (sent.invalid + sent.conflicting)
  })
  await world.drained()
  const reconcile = pulse('reconcile', '--deep', '--stream', world.stream.name)
  expect(await endOf(reconcile)).toMatchObject({ code: 0 })
  const status = pulse('status')
  expect(await endOf(status)).toMatchObject({ code: 0 })
  expect(await etl.stop()).toBe(0)
  for (const program of [topics, etl, redrive, reconcile])
    for (const password of Object.values(kafka.passwords)) expect(program.output()).not.toContain(password)
})

/** What is wrong, the change of the environment that makes it so, and what is said of it. */
const wrongs: Record<string, [() => Record<string, string>, RegExp]> = {
  'a wrong password': [
    () => ({ KAFKA_SASL_PASSWORD: WRONG_PASSWORD }),
    /refused the login .*KAFKA_SASL_PASSWORD/,
  ],
  'an unknown user': [() => ({ KAFKA_SASL_USERNAME: 'who' }), /refused the login .*KAFKA_SASL_USERNAME/],
  'another mechanism': [
    () => ({ KAFKA_SASL_MECHANISM: 'scram-sha-256' }),
    /no login by this KAFKA_SASL_MECHANISM/,
  ],
  'no login': [() => NO_LOGIN, /closed the connection .* or a login \(KAFKA_SASL_\*\)/],
  'another CA': [() => ({ KAFKA_SSL_CA_FILE: kafka.strangers.ca }), /not signed by a CA .*KAFKA_SSL_CA/],
  'no CA': [() => ({ KAFKA_SSL_CA_FILE: '' }), /not signed by a CA .*KAFKA_SSL_CA/],
  'another name': [
    () => ({ KAFKA_BROKERS: kafka.ports.password.replace('127.0.0.1', 'localhost') }),
    /for another name.*KAFKA_BROKERS/,
  ],
  'no client certificate': [
    () => ({ KAFKA_BROKERS: kafka.ports.certificate, ...NO_LOGIN }),
    /certificate of ours .*KAFKA_SSL_CERT/,
  ],
  'TLS where there is none': [
    () => ({ KAFKA_BROKERS: kafka.ports.plain }),
    /closed the connection .*KAFKA_SSL/,
  ],
  'no TLS where there is some': [
    () => ({ KAFKA_SSL: '', KAFKA_SSL_CA_FILE: '' }),
    /closed the connection .*KAFKA_SSL/,
  ],
}

const WRONG_PASSWORD = 'wRong+pAss/4711'
const NO_LOGIN = { KAFKA_SASL_MECHANISM: '', KAFKA_SASL_USERNAME: '', KAFKA_SASL_PASSWORD: '' }

describe('a connection is refused, and the variable is named, with', () => {
  test.concurrent.for(Object.entries(wrongs))('%s', async ([, [change, said]]) => {
    await expect(topicsSeen({ ...kafka.envOf('admin'), ...change() })).rejects.toThrow(said)
  })
})

test('a client certificate takes the place of a login', async () => {
  const world = await securedWorld()
  const { cert, key } = kafka.authority.issue('admin', 'DNS:admin')
  const env = {
    KAFKA_BROKERS: kafka.ports.certificate,
    KAFKA_SSL: 'true',
    KAFKA_SSL_CA_FILE: kafka.authority.ca,
    KAFKA_SSL_CERT_FILE: cert,
    KAFKA_SSL_KEY: readFileSync(key, 'utf8'),
  }
  expect(await topicsSeen(env)).toContain(world.topic)
})

test('a program that is turned away ends, names the variable and prints no secret', async () => {
  const world = await securedWorld()
  const env = { ...kafka.envOf('etl'), KAFKA_SASL_PASSWORD: WRONG_PASSWORD, LOG_LEVEL: 'trace' }
  const programs = [
    world.startEtl(env),
    world.startProducer(env),
    world.startProgram('scripts/topics.ts', [], env),
    world.startProgram('scripts/pulse.ts', ['reconcile'], env),
  ]
  for (const program of programs) {
    expect(await endOf(program)).toMatchObject({ code: 1 })
    expect(program.output()).toMatch(wrongs['a wrong password']![1])
    expect(program.output()).not.toContain(WRONG_PASSWORD)
  }
})

test('each right that is missing is named', async () => {
  const world = await securedWorld()
  const { topic, dlqTopic, groupId } = world
  await world.produce(['no JSON'])
  const may = (on: Right['on'], ...operations: Right['may']) =>
    allow(world, 'nobody', [{ on, may: operations }])
  /** Starts the ETL and waits until it names this right. */
  const denied = async (right: string) => {
    const etl = world.startEtl(kafka.envOf('nobody'))
    await etl.waitForLine(
      (line) => line['alert'] === undefined && JSON.stringify(line).includes(`the ACL ${right}`),
      { limitMs: 40_000 },
    )
    etl.kill()
  }

  await denied(`Describe on topic ${topic}`)
  await may({ topic }, 'DESCRIBE')
  await may({ topic: dlqTopic }, 'DESCRIBE')
  await denied(`DescribeConfigs on topic ${topic}`)
  await may({ topic }, 'DESCRIBE_CONFIGS')
  await denied('Read on group')
  await may({ group: groupId }, 'READ')
  await denied(`Read on topic ${topic}`)
  await may({ topic }, 'READ')
  await denied(`Write on topic ${dlqTopic}`)

  const producer = world.startProducer({ ...kafka.envOf('nobody'), PRODUCER_LIMIT: '1' })
  expect(await producer.exited).toBe(1)
  expect(producer.output()).toContain('the ACL Write on ')
  const topics = world.startProgram('scripts/topics.ts', [], {
    ...kafka.envOf('nobody'),
    KAFKA_TOPIC: 'other',
  })
  expect(await topics.exited).toBe(1)
  expect(topics.output()).toContain('the ACL Create on topic other')
}, 120_000)

function topicsSeen(env: Readonly<Record<string, string>>): Promise<string[]> {
  const client = createKafka(readConfig(['kafka'], env), pino({ level: 'silent' }), 'test')
  return withAdmin(client, (admin) => admin.listTopics())
}

/** How a program ended, and everything that it said. */
async function endOf(program: Child): Promise<{ code: number | null; output: string }> {
  const code = await program.exited
  return { code, output: program.output() }
}
