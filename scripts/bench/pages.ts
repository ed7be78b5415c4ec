import { aligned } from '../../etl/text/table.ts'
import type { AddressInfo } from 'node:net'
import { readConfig } from '../../etl/process/config.ts'
import { compile } from '../../etl/stream/compile.ts'
import { partOf, streams } from '../../etl/installation.ts'
import { startServer } from '../../etl/worker/server.ts'
import type { StreamPages } from '../../etl/web/context.ts'
import { createKafka } from '../../etl/kafka/client.ts'
import { createLogger } from '../../etl/process/log.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { runCommand } from '../command-failure.ts'
import { migrate } from '../migration/migrate.ts'
import { createDatabase } from '../servers/postgres.ts'
import { startServers, type Servers } from '../servers/index.ts'
import { withClient } from '../with-client.ts'
import { fillWarehouse } from './pages-warehouse.ts'

const HELP = `Usage: npm run bench:pages

What each page of the console takes over a warehouse of 1,000,000 facts, 100,000 ledger rows, 20,000 dead
letters, 1,000 actions and 1,000 alerts: 20 requests each, one after the other, after 3 that don't count.

Takes its servers as the tests do (PULSE_SERVERS, or KAFKA_BROKERS and DATABASE_URL); makes a database of
its own there and removes it. About two minutes.
Exit codes: 0 each page answers within 100 ms (19 of its 20 requests), 6 some don't, 1 failed.`

const WARM_UPS = 3
const REQUESTS = 20
const LIMIT_MS = 100
const TOPIC = 'bench'
const PASSWORD = 'a-password-for-the-benchmark'

interface Timing {
  readonly path: string
  readonly p50: number
  readonly p95: number
  readonly max: number
  readonly bytes: number
}

async function main(): Promise<number> {
  const servers = await startServers()
  const database = await createDatabase(servers.databaseUrl, 'pulse_bench')
  try {
    await migrate(database.url)
    await fillWarehouse(database.url, TOPIC)
    const timings = await measurePages(servers, database.url)
    console.log(table(timings))
    const slow = timings.filter(({ p95 }) => p95 >= LIMIT_MS)
    for (const { path, p95 } of slow)
      console.log(`${path} takes ${p95.toFixed(0)} ms: the limit is ${LIMIT_MS}`)
    return slow.length === 0 ? 0 : 6
  } finally {
    await database.drop()
    await servers.stop()
  }
}

/** The console as a worker serves it, without the worker's own load. */
async function measurePages(servers: Servers, databaseUrl: string): Promise<Timing[]> {
  const config = readConfig(['kafka', 'database', 'etl', 'console', 'alerts', 'housekeeping'], {
    KAFKA_BROKERS: servers.kafkaBrokers,
    KAFKA_TOPIC: TOPIC,
    DATABASE_URL: databaseUrl,
    CONSOLE_PASSWORD: PASSWORD,
  })
  const logger = createLogger('error')
  const pool = createPool(config, 'pulse_loader', logger, { connections: 3, statementTimeoutMs: 10_000 })
  const stream = compile(streams[0]!)
  const server = await startServer(
    { late: () => undefined, notReady: () => Promise.resolve(undefined) },
    { contentType: 'text/plain', text: () => Promise.resolve('') },
    [
      {
        pool,
        kafka: createKafka(config, logger, 'pulse-bench'),
        stream,
        streams: [stream.name],
        pages: (await partOf<readonly StreamPages[]>('pages', [])).filter(
          (page) => page.stream === stream.name,
        ),
        maxAgeDays: config.TRANSACTION_MAX_AGE_DAYS,
        config,
        logger,
        worker: 'bench',
        unwritable: () => undefined,
      },
    ],
    0,
  )
  try {
    const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`
    const cookie = await logIn(url)
    const timings: Timing[] = []
    for (const path of await pathsIn(databaseUrl)) timings.push(await measure(url, path, cookie))
    return timings
  } finally {
    await server.close()
    await pool.end()
  }
}

async function logIn(url: string): Promise<string> {
  const body = new URLSearchParams({ name: 'bench', password: PASSWORD })
  const answer = await fetch(`${url}/login`, { method: 'POST', body, redirect: 'manual' })
  const [cookie] = answer.headers.getSetCookie()
  if (cookie === undefined) throw new Error(`logging in was answered with ${answer.status}`)
  return cookie.split(';')[0]!
}

/** Every page, with what an operator would ask of it; the ids are of something in the middle. */
async function pathsIn(databaseUrl: string): Promise<string[]> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ run: string; letter: string; action: string }>(
      `select (select max(id) / 2 from audit.pipeline_runs)::text as run,
              (select max(id) from audit.dead_letters where resolved_at is null)::text as letter,
              (select max(id) / 2 from audit.operator_actions)::text as action`,
    ),
  )
  const { run, letter, action } = rows[0]!
  const lists = [
    '/actions',
    '/dead-letters',
    '/dead-letters/groups',
    '/runs',
    '/alerts',
    '/status',
    '/losses',
  ]
  return [
    '/',
    '/?span=24h',
    '/runs',
    `/runs?before=${run}`,
    '/runs?status=failed',
    '/runs?worker=worker-1&since=7d',
    '/runs?worker=nobody',
    `/runs/${run}`,
    '/dead-letters',
    '/dead-letters?state=all',
    '/dead-letters?code=malformed_json&partition=1',
    '/dead-letters?text=customer-42',
    `/dead-letters?before=${Math.floor(Number(letter) / 2)}`,
    `/dead-letters/${letter}`,
    `/dead-letters/${letter}/edit`,
    '/dead-letters/redrive?code=schema_violation',
    '/dead-letters/dismiss?state=open',
    '/fraud',
    '/fraud?span=7d',
    '/fraud?customer=customer-25',
    '/fraud/customers/customer-25',
    '/actions',
    `/actions?before=${action}`,
    `/actions/${action}`,
    '/alerts',
    ...lists.map((path) => `/api/v1${path}`),
  ]
}

async function measure(url: string, path: string, cookie: string): Promise<Timing> {
  const times: number[] = []
  let bytes = 0
  for (let i = 0; i < WARM_UPS + REQUESTS; i++) {
    const before = performance.now()
    const answer = await fetch(url + path, { headers: { cookie }, redirect: 'manual' })
    bytes = (await answer.arrayBuffer()).byteLength
    if (i >= WARM_UPS) times.push(performance.now() - before)
    if (answer.status >= 400) throw new Error(`${path} was answered with ${answer.status}`)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.ceil(share * times.length) - 1]!
  return { path, p50: at(0.5), p95: at(0.95), max: at(1), bytes }
}

function table(timings: readonly Timing[]): string {
  const rows = [
    ['', 'p50 ms', 'p95 ms', 'max ms', 'kB'],
    ...timings.map(({ path, p50, p95, max, bytes }) => [
      path,
      p50.toFixed(1),
      p95.toFixed(1),
      max.toFixed(1),
      (bytes / 1_000).toFixed(0),
    ]),
  ]
  return aligned(rows).join('\n')
}

await runCommand(HELP, main)
