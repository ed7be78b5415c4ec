import type { Servers } from '../servers/index.ts'
import { createDatabase } from '../servers/database.ts'
import { checkBooks } from './books.ts'
import { drainBy, migrateBy, type Checkout, type Drained } from './checkout.ts'
import { withClient } from './client.ts'
import type { CpuMeter } from './cpu.ts'
import type { Backlog } from './backlog.ts'

/** What measuring takes: the servers, and Postgres' CPU where it is ours to see. */
export interface Bench {
  readonly servers: Servers
  readonly postgresCpu: CpuMeter
  /** A directory for files, removed in the end. */
  readonly place: string
}

export interface Measured extends Drained {
  /** Facts a second. */
  readonly rate: number
  readonly postgresCpuSeconds: number | undefined
}

/** Longer than any drain: one that is cut short by the run's budget would say nothing. */
const RUN_BUDGET_MS = '86400000'

let groups = 0

/**
 * Drains a backlog once into a database of its own that the same checkout has migrated, and holds the
 * warehouse against what was sent.
 *
 * @param afterwards what else is to be done in that database.
 * @throws Error where the books are not as sent.
 */
export async function measureDrain(
  { servers, postgresCpu }: Bench,
  checkout: Checkout,
  { backlog, batchSize, statements = false }: { backlog: Backlog; batchSize: number; statements?: boolean },
  afterwards: (databaseUrl: string) => Promise<void> = () => Promise.resolve(),
): Promise<Measured> {
  const database = await createDatabase(servers.databaseUrl, 'pulse_bench')
  try {
    await migrateBy(checkout, database.url)
    await withClient(database.url, (client) => client.query('checkpoint'))
    const cpu = postgresCpu()
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
      BENCH_STATEMENTS: String(statements),
    })
    const postgresCpuSeconds = cpu()
    await checkBooks(database.url, backlog.sent)
    await afterwards(database.url)
    return { ...drained, rate: backlog.sent.facts / drained.seconds, postgresCpuSeconds }
  } finally {
    await database.drop()
  }
}
