import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { Client } from 'pg'
import { readConfig } from '../etl/config.ts'
import { createKafka } from '../etl/kafka/client.ts'
import { withAdmin } from '../etl/kafka/topics.ts'
import { createLogger } from '../etl/log.ts'
import { copyFacts, saveFacts } from './bench/copy.ts'
import { cpuSeconds } from './bench/cpu.ts'
import { preload, type Order } from './bench/preload.ts'
import { migrate } from './migration/migrate.ts'
import { createDatabase } from './servers/postgres.ts'
import { startServers, type Servers } from './servers/index.ts'

const HELP = `Usage: npm run bench -- [--records N]

Drains a topic of N records (default 500000) with the ETL, and copies the same rows into the same table
with one COPY, on the same Postgres in one run: rows per second, their ratio, CPU and memory. Once with
timestamps in order and once spread over 24 hours at random, each at BATCH_SIZE 1000 and 5000.

Takes its servers as the tests do (PULSE_SERVERS, or KAFKA_BROKERS and DATABASE_URL); makes a database
and topics of its own there and removes them. About three minutes.`

const BATCH_SIZES = [1_000, 5_000]
const ORDERS: readonly Order[] = ['in order', 'spread']

interface Measurement {
  readonly what: string
  readonly rowsPerSecond: number
  readonly ratio: number
  readonly etlCpu: number | undefined
  readonly postgresCpu: number | undefined
  readonly peakBytes: number | undefined
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, records: { type: 'string', default: '500000' } },
  })
  if (values.help === true) {
    console.log(HELP)
    return 0
  }
  const records = Number(values.records)
  if (!Number.isInteger(records) || records < 1_000)
    throw new TypeError('--records takes a whole number from 1000')
  const servers = await startServers({ postgresSettings: BENCH_SETTINGS })
  const place = await mkdtemp(join(tmpdir(), 'pulse-bench-'))
  try {
    console.log(
      `${machine()}\n${servers.description}\n${records.toLocaleString('en')} records, 3 partitions\n`,
    )
    const measured: Measurement[] = []
    for (const order of ORDERS) measured.push(...(await measure(servers, order, records, place)))
    console.log(table(measured))
    return 0
  } finally {
    await rm(place, { recursive: true, force: true })
    await servers.stop()
  }
}

/** What docs/OPERATIONS.md advises for a warehouse under load; durability stays as it is. */
const BENCH_SETTINGS = { shared_buffers: '1GB', max_wal_size: '4GB', checkpoint_timeout: '15min' }

async function measure(
  servers: Servers,
  order: Order,
  records: number,
  place: string,
): Promise<Measurement[]> {
  const config = readConfig(['kafka'], { KAFKA_BROKERS: servers.kafkaBrokers })
  const kafka = createKafka(config, createLogger('silent'), 'pulse-bench')
  const topic = `pulse_bench_${process.pid}_${order.replace(' ', '_')}`
  const file = join(place, `${topic}.copy`)
  process.stderr.write(`filling a topic, ${order}\n`)
  await preload(kafka, topic, records, order)
  const drains: Omit<Measurement, 'ratio'>[] = []
  const copies: { rate: number; cpu: number | undefined }[] = []
  try {
    for (const batchSize of BATCH_SIZES) {
      const database = await createDatabase(servers.databaseUrl, 'pulse_bench')
      try {
        await migrate(database.url)
        process.stderr.write(`draining it, ${batchSize} a batch\n`)
        const env = { ...servers, databaseUrl: database.url, topic, batchSize }
        const postgres = meter(servers, records)
        const drained = await drain(env)
        const postgresCpu = postgres()
        await expectRows(database.url, records)
        drains.push({
          what: `ETL, ${order}, BATCH_SIZE ${batchSize}`,
          rowsPerSecond: records / drained.seconds,
          etlCpu: (drained.cpuSeconds / records) * 1e6,
          postgresCpu,
          peakBytes: drained.peakBytes,
        })
        process.stderr.write('copying the same rows\n')
        await saveFacts(database.url, file)
        const copying = meter(servers, records)
        copies.push({ rate: records / (await copyFacts(database.url, file)), cpu: copying() })
      } finally {
        await database.drop()
      }
    }
  } finally {
    await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic, `${topic}.dlq`] }))
  }
  const copy = copies.reduce((best, one) => (one.rate > best.rate ? one : best))
  return [
    {
      what: `COPY, ${order}`,
      rowsPerSecond: copy.rate,
      ratio: 1,
      etlCpu: undefined,
      postgresCpu: copy.cpu,
      peakBytes: undefined,
    },
    ...drains.map((one) => ({ ...one, ratio: one.rowsPerSecond / copy.rate })),
  ]
}

/** Starts counting Postgres' CPU; the function it returns says seconds per million rows. */
function meter(servers: Servers, records: number): () => number | undefined {
  const read = () => cpuSeconds(servers.postgres?.pid?.())
  const before = read()
  return () => {
    const after = read()
    return before === undefined || after === undefined ? undefined : ((after - before) / records) * 1e6
  }
}

interface Drained {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
}

async function drain(of: {
  kafkaBrokers: string
  databaseUrl: string
  topic: string
  batchSize: number
}): Promise<Drained> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [new URL('bench/drain.ts', import.meta.url).pathname],
    {
      env: {
        ...process.env,
        KAFKA_BROKERS: of.kafkaBrokers,
        DATABASE_URL: of.databaseUrl,
        KAFKA_TOPIC: of.topic,
        KAFKA_DLQ_TOPIC: `${of.topic}.dlq`,
        KAFKA_GROUP_ID: `${of.topic}-${of.batchSize}`,
        BATCH_SIZE: String(of.batchSize),
        ETL_SCHEDULE: '0 0 1 1 *',
        HTTP_PORT: '0',
        LOG_LEVEL: 'error',
      },
    },
  )
  const lines = stdout.trim().split('\n')
  const drained = JSON.parse(lines.at(-1) ?? '') as Drained
  for (const line of lines.slice(0, -1)) process.stderr.write(`${line}\n`) // errors of the run
  return drained
}

async function expectRows(databaseUrl: string, records: number): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ count: string }>(
    'select count(*)::text as count from warehouse.transactions',
  )
  await client.end()
  if (Number(rows[0]?.count) !== records)
    throw new Error(`${rows[0]?.count} facts where ${records} were sent`)
}

function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
}

function table(measurements: readonly Measurement[]): string {
  const header = ['', 'rows/s', 'of COPY', 'ETL CPU s/M', 'Postgres CPU s/M', 'ETL peak MB']
  const rows = measurements.map(({ what, rowsPerSecond, ratio, etlCpu, postgresCpu, peakBytes }) => [
    what,
    Math.round(rowsPerSecond).toLocaleString('en'),
    ratio.toFixed(2),
    etlCpu?.toFixed(1) ?? '',
    postgresCpu?.toFixed(1) ?? 'n/a',
    peakBytes === undefined ? '' : String(Math.round(peakBytes / 2 ** 20)),
  ])
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]!.length)))
  return [header, ...rows]
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
    )
    .join('\n')
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof TypeError ? 2 : 1
}
