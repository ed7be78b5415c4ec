import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { freePort } from '../../scripts/servers/processes.ts'
import type { Child } from '../support/child.ts'
import { addressOf } from '../support/console.ts'
import { anHttpReceiver } from '../support/http-receiver.ts'
import { aMailServer } from '../support/mail-server.ts'
import { aSecret, secretsIn, processList } from '../support/secrets.ts'
import { waitFor } from '../support/wait-for.ts'
import { stream } from '../support/stream.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'
import type { StreamPages } from '../../etl/web/context.ts'
import { pages as declared } from '../../streams/pages.ts'

/** Every secret that a program takes, each with a text of its own. */
const SECRETS = {
  database: aSecret('database'),
  migration: aSecret('migration'),
  kafka: aSecret('kafka'),
  console: aSecret('console'),
  viewer: aSecret('viewer'),
  token: `${aSecret('token')}-0123456789-0123456789`,
  webhook: aSecret('webhook'),
  slack: aSecret('slack'),
  mail: aSecret('mail'),
  grafana: aSecret('grafana'),
}
const ALL = Object.values(SECRETS)
const inUrl = encodeURIComponent

interface Addresses {
  readonly http: string
  readonly mailPort: number
  readonly database: (login: string) => string
}

/** The environment with every secret in it. */
const environment = ({ http, mailPort, database }: Addresses): Record<string, string> => ({
  LOG_LEVEL: 'trace',
  DATABASE_URL: database(`postgres:${inUrl(SECRETS.database)}`),
  MIGRATION_DATABASE_URL: database(`postgres:${inUrl(SECRETS.migration)}`),
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'pulse',
  KAFKA_SASL_PASSWORD: SECRETS.kafka,
  CONSOLE_PASSWORD: SECRETS.console,
  CONSOLE_VIEWER_PASSWORD: SECRETS.viewer,
  CONSOLE_API_TOKEN: SECRETS.token,
  ALERT_WEBHOOK_URL: `${http}/hook/${inUrl(SECRETS.webhook)}`,
  ALERT_SLACK_WEBHOOK_URL: `${http}/services/${inUrl(SECRETS.slack)}`,
  ALERT_SMTP_URL: `smtp://pulse:${inUrl(SECRETS.mail)}@127.0.0.1:${mailPort}`,
  ALERT_EMAIL_FROM: 'pulse@example.com',
  ALERT_EMAIL_TO: 'ops@example.com',
  PULSE_GRAFANA_PASSWORD: SECRETS.grafana,
})

/** Each program of ours, begun. */
const everyProgram = (env: Record<string, string>): Child[] => [
  world.startEtl(env),
  world.startProducer(env),
  ...[
    ['scripts/topics.ts'],
    ['scripts/migrate.ts'],
    ['scripts/logins.ts'],
    ['scripts/validate-schema.ts'],
    ['scripts/pulse.ts', 'status'],
    ['scripts/pulse.ts', 'reconcile', '--deep'],
  ].map(([script, ...args]) => world.startProgram(script!, args, env)),
]

/** After its first words; who waits for a server is then told to stop. */
const PATIENCE_MS = 7_000

/** Lets programs say what is wrong, and gives each place where a secret can be seen. */
async function seenOf(programs: readonly Child[]): Promise<string[]> {
  for (const program of programs)
    await waitFor('words', () => program.output() !== '' || !program.isRunning(), { limitMs: 60_000 })
  const seen = secretsIn('the process list', processList(), ALL)
  const end = setTimeout(() => {
    for (const program of programs) program.kill('SIGTERM')
  }, PATIENCE_MS)
  for (const [i, program] of programs.entries()) {
    await program.exited
    seen.push(...secretsIn(`program ${i}`, program.output(), ALL))
  }
  clearTimeout(end)
  return seen
}

let world: World
beforeAll(async () => {
  world = await aWorld({ partitions: 1 })
})
afterAll(() => world.cleanUp())

test('no program prints a secret that is wrong', async () => {
  const { host, pathname } = new URL(world.env['DATABASE_URL']!)
  const env = environment({
    http: (await anHttpReceiver()).url,
    mailPort: (await aMailServer()).port,
    database: (login) => `postgres://${login}@${host}${pathname}`,
  })
  expect(await seenOf(everyProgram(env))).toEqual([])
})

test('no program prints a secret that is badly written', async () => {
  const env = environment({
    http: 'ftp://127.0.0.1',
    mailPort: 99_999,
    database: (login) => `postgres:${login}@db/pulse?sslmode=${inUrl(SECRETS.database)}`,
  })
  const bad = { ...env, KAFKA_SASL_MECHANISM: 'plain', KAFKA_SSL_KEY: SECRETS.kafka }
  expect(await seenOf(everyProgram(bad))).toEqual([])
})

test('no program prints a secret that is right, while the servers behind are gone', async () => {
  const gone = `127.0.0.1:${await freePort()}`
  const env = environment({
    http: `http://${gone}`,
    mailPort: await freePort(),
    database: (login) => `postgres://${login}@${gone}/pulse`,
  })
  expect(await seenOf(everyProgram({ ...env, KAFKA_BROKERS: gone }))).toEqual([])
})

test('neither log, pages, API and metrics nor an alert has a secret, while everything fails', async () => {
  const receiver = await anHttpReceiver()
  receiver.answer(500)
  const own = await aLogin(SECRETS.database)
  const {
    DATABASE_URL: _url,
    MIGRATION_DATABASE_URL: _migration,
    ...env
  } = environment({
    http: receiver.url,
    // Refuses the password, and says it aloud.
    mailPort: (await aMailServer()).port,
    database: () => '',
  })
  const etl = world.startEtl({ ...withoutSasl(env), DATABASE_URL: own })
  const url = await addressOf(etl)
  await world.pool.query(`alter table warehouse.${stream.name} rename to elsewhere`)
  await world.produce(['no JSON', aLiveMessage()])
  await waitFor('a run to fail', () => etl.said('run failed'), { limitMs: 60_000 })
  await waitFor('an alert', () => receiver.received.length >= 2, { limitMs: 60_000 })

  const { headers } = await fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ name: 'Ada', password: SECRETS.console }),
  })
  const cookie = headers.get('set-cookie')!.split(';')[0]!
  await fetch(`${url}/login`, {
    method: 'POST',
    body: new URLSearchParams({ name: 'Eve', password: 'wrong' }),
  })
  const seen: string[] = []
  for (const path of PATHS) {
    const answer = await fetch(url + path, { headers: { cookie } })
    seen.push(...secretsIn(path, `${JSON.stringify([...answer.headers])}${await answer.text()}`, ALL))
  }
  for (const { path, body } of receiver.received) {
    expect(path).toMatch(/^\/(hook|services)\/sEcReT/)
    seen.push(...secretsIn('an alert', JSON.stringify(body), ALL))
  }
  const { rows } = await world.pool.query<{ row: string }>(
    `select r::text as row from audit.pipeline_runs r union all select a::text from audit.alerts a
     union all select n::text from audit.alert_notifications n union all select w::text from audit.workers w`,
  )
  seen.push(...secretsIn('the warehouse', rows.map(({ row }) => row).join('\n'), ALL))
  await etl.stop()
  seen.push(...secretsIn('the log', etl.output(), ALL))
  expect(seen).toEqual([])
})

const pages: readonly StreamPages[] = declared

/** What can be looked at. */
const PATHS = [
  '/metrics',
  '/healthz',
  '/readyz',
  '/login',
  '/',
  '/runs',
  '/dead-letters',
  ...pages.map(({ path }) => path),
  '/actions',
  '/alerts',
  '/nowhere',
  '/api/v1/openapi.json',
  '/api/v1/alerts',
  '/api/v1/runs',
  '/api/v1/partitions',
]

/** A login of this world's own with this password, a member of the loader. */
async function aLogin(password: string): Promise<string> {
  const url = new URL(world.env['DATABASE_URL']!)
  const name = `login_${world.topic.replaceAll('-', '_')}`
  await world.pool.query(`create role ${name} login password '${password}'`)
  await world.pool.query(`grant pulse_loader to ${name}`)
  onTestFinished(async () => {
    const admin = new Client({ connectionString: inject('databaseUrl') })
    await admin.connect()
    await admin.query(`drop role ${name}`)
    await admin.end()
  })
  url.username = name
  url.password = password
  return url.href
}

const withoutSasl = (env: Record<string, string>) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('KAFKA_SASL')))
