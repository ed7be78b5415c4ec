import type { Servers } from '../servers/index.ts'
import { createDatabase } from '../servers/postgres.ts'
import { checkBooks } from './books.ts'
import { drainBy, migrateBy, type Checkout, type Drained } from './checkout.ts'
import { withClient } from '../with-client.ts'
import { cpuMeter } from './cpu.ts'
import type { Backlog } from './backlog.ts'

/** What measuring takes. */
export interface Bench {
  readonly servers: Servers
  readonly postgresPid: number | undefined
  /** A directory for files, removed in the end. */
  readonly place: string
}

export interface Measured extends Drained {
  /** Facts a second. */
  readonly rate: number
  /** Of the worker's whole life, which is more: connections, their first plans, the checks at its start. */
  readonly postgresCpuSecondsInAll: number | undefined
}

/** Longer than any drain: one that is cut short by the run's budget would say nothing. */
const RUN_BUDGET_MS = '86400000'

/** The worker keeps two connections for other things: so statements don't wait for those of other partitions. */
const ONE_PARTITION_AT_A_TIME = '3'

let groups = 0

/**
 * Drains a backlog once into a database of its own that the same checkout has migrated, and holds the
 * warehouse against what was sent.
 *
 * @param afterwards what else is to be done in that database.
 * @throws Error where the books are not as sent.
 */
export async function measureDrain(
  { servers, postgresPid }: Bench,
  checkout: Checkout,
  { backlog, batchSize, statements = false }: { backlog: Backlog; batchSize: number; statements?: boolean },
  afterwards: (databaseUrl: string) => Promise<void> = () => Promise.resolve(),
): Promise<Measured> {
  const database = await createDatabase(servers.databaseUrl, 'pulse_bench')
  try {
    await migrateBy(checkout, database.url)
    await withClient(database.url, (client) => client.query('checkpoint'))
    const postgresCpu = cpuMeter(postgresPid)()
    const drained = await drainBy(checkout, {
      KAFKA_BROKERS: servers.kafkaBrokers,
      DATABASE_URL: database.url,
      KAFKA_TOPIC: backlog.topic,
      KAFKA_DLQ_TOPIC: `${backlog.topic}.dlq`,
      KAFKA_GROUP_ID: `${backlog.topic}_${++groups}`, // a warehouse takes no other's group
      BATCH_SIZE: String(batchSize),
      ETL_SCHEDULE: '0 0 1 1 *',
      ETL_RUN_BUDGET_MS: RUN_BUDGET_MS,
      HTTP_PORT: '0',
      LOG_LEVEL: 'error',
      BENCH_POSTGRES_PID: String(postgresPid ?? ''),
      ...(statements && { BENCH_STATEMENTS: 'true', DATABASE_POOL_SIZE: ONE_PARTITION_AT_A_TIME }),
    })
    const postgresCpuSecondsInAll = postgresCpu()
    await checkBooks(database.url, backlog.sent)
    await afterwards(database.url)
    return { ...drained, rate: backlog.sent.facts / drained.seconds, postgresCpuSecondsInAll }
  } finally {
    await database.drop()
  }
}
