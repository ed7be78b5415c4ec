import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { createKafka, type Kafka } from '../../etl/kafka/client.ts'
import { ensureTopics, partitionBounds, withAdmin } from '../../etl/kafka/topics.ts'
import { validate } from '../../etl/job/validate.ts'
import { INVALID_KINDS } from '../../producer/messages.ts'
import { isTemporary } from '../../producer/publish.ts'
import { startServers, type Servers } from '../../scripts/servers/index.ts'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'
import { readPartitions } from '../support/world.ts'

const program = fileURLToPath(new URL('../../producer/main.ts', import.meta.url))
const started: ChildProcess[] = []
const topics: { kafka: Kafka; topic: string }[] = []

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  for (const { kafka, topic } of topics.splice(0)) {
    await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic] })).catch(() => undefined)
  }
})

interface LogLine {
  level: number
  msg: string
  [key: string]: unknown
}
interface Summary extends LogLine {
  total: number
  inDoubt: number
  sent: Record<string, number>
  streams: Record<string, { invalidKinds: Record<string, number> }>
}

/** The producer as a process of its own, and what it logs. */
function startProducer(brokers: string, topic: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [program], {
    env: { KAFKA_BROKERS: brokers, KAFKA_TOPIC: topic, PRODUCER_STREAMS: stream.name, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(child)
  let text = ''
  child.stdout.on('data', (data: Buffer) => (text += data.toString()))
  // 'close': when its output has been read to the end, too.
  const closed = once(child, 'close')
  const lines = (): LogLine[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine)
  const said = (words: string): LogLine | undefined => lines().find(({ msg }) => msg.includes(words))
  return {
    child,
    said,
    ended: async () => {
      const [code] = (await closed) as [number | null]
      return { code, summary: said('sent ') as Summary | undefined }
    },
  }
}

const clientOf = (brokers: string): Kafka =>
  createKafka(readConfig(['kafka'], { KAFKA_BROKERS: brokers }), pino({ level: 'silent' }), 'test')

const newTopic = (): string => `producer-${randomBytes(6).toString('hex')}`

async function makeTopic(kafka: Kafka, topic: string): Promise<void> {
  topics.push({ kafka, topic })
  await withAdmin(kafka, (admin) =>
    ensureTopics(admin, [{ topic, partitions: 3, replication: 1, settings: {} }]),
  )
}

/** Asks again while a broker that has just got the topic, or has just come back, is not its leader yet. */
async function countRecords(kafka: Kafka, topic: string): Promise<number> {
  const bounds = await waitFor(`the offsets of ${topic}`, () =>
    withAdmin(kafka, (admin) => partitionBounds(admin, topic)).catch((error: unknown) => {
      if (isTemporary(error)) return undefined
      throw error
    }),
  )
  return bounds.reduce((sum, { start, end }) => sum + end - start, 0)
}

describe('on a Kafka that works', () => {
  const brokers = inject('kafkaBrokers')
  const kafka = clientOf(brokers)

  test('what is in the topic is what it says that it sent, by kind', async () => {
    const topic = newTopic()
    await makeTopic(kafka, topic)
    const { code, summary } = await startProducer(brokers, topic, {
      PRODUCER_LIMIT: '2000',
      PRODUCER_RATE: '1000',
      PRODUCER_SEED: '7',
      PRODUCER_INVALID_RATIO: '0.1',
      PRODUCER_DUPLICATE_RATIO: '0.2',
    }).ended()
    expect(code).toBe(0)
    // Whether this machine reaches a rate is decided with a clock of its own in producer-report.test.ts.
    expect(summary).toMatchObject({ total: 2_000, inDoubt: 0, askedRate: 1_000, seed: 7 })
    expect(typeof summary!['rateReached']).toBe('boolean')
    const { sent, streams } = summary!
    const { invalidKinds } = streams[stream.name]!

    const partitions = await readPartitions(kafka, topic)
    const records = partitions.flat()
    expect(records).toHaveLength(2_000)

    const { valid, rejected } = validate(records, { stream, maxAgeDays: 1_095 })
    expect(rejected).toHaveLength(sent['invalid']!)
    expect(valid).toHaveLength(2_000 - sent['invalid']!)
    const codes = INVALID_KINDS.flatMap(({ kind, expectedCode }) =>
      Array.from({ length: invalidKinds[kind] ?? 0 }, () => expectedCode),
    )
    expect(rejected.map((rejection) => rejection.code).sort()).toEqual(codes.sort())

    // In each partition the first of an identity is the original; the same bytes again are a duplicate.
    const { identity } = stream
    const kinds = { valid: 0, duplicate: 0, conflicting: 0 }
    for (const partition of partitions) {
      const originals = new Map<unknown, Buffer>()
      for (const { record, row } of validate(partition, { stream, maxAgeDays: 1_095 }).valid) {
        const original = originals.get(identity.of(row))
        if (original === undefined) originals.set(identity.of(row), record.value!)
        kinds[
          original === undefined ? 'valid' : original.equals(record.value!) ? 'duplicate' : 'conflicting'
        ]++
      }
    }
    expect({ ...kinds, invalid: rejected.length }).toEqual(sent)
  })

  test('a stop in the middle ends it with 0, and its count is what is in the topic', async () => {
    const topic = newTopic()
    await makeTopic(kafka, topic)
    const producer = startProducer(brokers, topic, { PRODUCER_RATE: '5000' })
    await waitFor('records in the topic', async () => (await countRecords(kafka, topic)) > 1_000)
    const stoppedAt = performance.now()
    producer.child.kill('SIGTERM')
    const { code, summary } = await producer.ended()
    expect(code).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(5_000)
    expect(summary).toMatchObject({ total: await countRecords(kafka, topic), inDoubt: 0 })
    expect(summary!.total).toBeGreaterThan(1_000)
  })

  test('all records of a customer are in one partition', async () => {
    const topic = newTopic()
    await makeTopic(kafka, topic)
    await startProducer(brokers, topic, { PRODUCER_LIMIT: '3000', PRODUCER_RATE: '20000' }).ended()
    const partitions = await readPartitions(kafka, topic)
    const customers = partitions.map((records) => new Set(records.map(({ key }) => key!.toString())))
    expect(customers.every((keys) => keys.size > 100)).toBe(true)
    const all = customers.reduce((union, keys) => union.union(keys))
    expect(all.size).toBe(customers.reduce((sum, keys) => sum + keys.size, 0))
  })

  test('a topic that is missing is waited for and not made', async () => {
    const topic = newTopic()
    const producer = startProducer(brokers, topic, { PRODUCER_RATE: '1000', PRODUCER_LIMIT: '100' })
    await waitFor('it to say so', () => producer.said(`waiting for topic ${topic}`))
    expect(await withAdmin(kafka, (admin) => admin.listTopics())).not.toContain(topic)
    await makeTopic(kafka, topic)
    const { code } = await producer.ended()
    expect(code).toBe(0)
    expect(await countRecords(kafka, topic)).toBe(100)
  })

  test('a stop while it waits for a topic ends it with 0 at once', async () => {
    const producer = startProducer(brokers, newTopic(), {})
    await waitFor('it to wait', () => producer.said('waiting for topic'))
    producer.child.kill('SIGINT')
    expect(await producer.ended()).toMatchObject({ code: 0, summary: { total: 0, inDoubt: 0 } })
  })
})

test('a Kafka that doesn’t answer is waited for, and a stop meanwhile ends it with 0', async () => {
  const producer = startProducer('127.0.0.1:1', stream.name, {})
  await waitFor('it to have tried', () => producer.said('Connection error'))
  producer.child.kill('SIGTERM')
  expect(await producer.ended()).toMatchObject({ code: 0, summary: { total: 0, inDoubt: 0 } })
})

/** Where Docker or given servers serve the tests, this machine may lack what local ones need. */
const here =
  inject('mode') === 'local' || ['java', 'mvn'].every((tool) => spawnSync(tool, ['-version']).status === 0)

describe.skipIf(!here)('on a Kafka that goes away', { timeout: 150_000 }, () => {
  let servers: Servers
  beforeAll(async () => {
    servers = await startServers({ only: 'local', say: () => {} })
  })
  afterAll(() => servers.stop())

  test('nothing is lost or doubled by an outage, and a stop during one says what is in doubt', async () => {
    const { kafkaBrokers: brokers, kafka: control } = servers
    const kafka = clientOf(brokers)
    const topic = newTopic()
    await makeTopic(kafka, topic)
    const env = { PRODUCER_RATE: '2000', PRODUCER_SEED: '1' }

    const first = startProducer(brokers, topic, env)
    await waitFor('records in the topic', async () => (await countRecords(kafka, topic)) > 2_000)
    await control!.kill()
    // Beyond what kafkajs tries on its own.
    await waitFor('it to try again', () => first.said('sending failed, trying again'), { limitMs: 60_000 })
    await control!.start()
    const before = await countRecords(kafka, topic)
    await waitFor('it to go on', async () => (await countRecords(kafka, topic)) > before + 2_000, {
      limitMs: 30_000,
    })
    first.child.kill('SIGTERM')
    const firstEnd = await first.ended()
    expect(firstEnd.code).toBe(0)
    const afterFirst = await countRecords(kafka, topic)
    expect(firstEnd.summary).toMatchObject({ total: afterFirst, inDoubt: 0, rateReached: false })

    const second = startProducer(brokers, topic, env)
    await waitFor('more records', async () => (await countRecords(kafka, topic)) > afterFirst + 1_000)
    await control!.kill()
    await waitFor('it to notice', () => second.said('Connection error'), { limitMs: 30_000 })
    const stoppedAt = performance.now()
    second.child.kill('SIGTERM')
    const secondEnd = await second.ended()
    expect(secondEnd.code).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(10_000)
    const { total, inDoubt } = secondEnd.summary!
    expect(inDoubt).toBeGreaterThan(0)

    await control!.start()
    const stored = (await countRecords(kafka, topic)) - afterFirst
    expect(stored).toBeGreaterThanOrEqual(total)
    expect(stored).toBeLessThanOrEqual(total + inDoubt)
  })
})
