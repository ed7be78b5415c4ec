import type { Servers } from '../servers/index.ts'
import { createDatabase } from '../servers/postgres.ts'
import { drainBy, migrateBy, type Checkout, type Drained } from './checkout.ts'
import { withClient } from '../with-client.ts'
import { cpuMeter } from './cpu.ts'
import type { Backlog, Sent } from './backlog.ts'

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

/** What is counted in the warehouse; of the ledger it is sums. */
const COUNTED = {
  facts: 'facts',
  keys: 'order keys',
  deadLetters: 'dead letters',
  consumed: 'consumed by the ledger',
  loaded: 'loaded by the ledger',
  duplicate: 'duplicates by the ledger',
  deadLettered: 'dead-lettered by the ledger',
}

/** What the warehouse says of a drained topic. */
export type Books = Readonly<Record<keyof typeof COUNTED, number>>

/** A figure of a drain that lost or doubled records would be worth nothing. @throws Error that says what differs. */
async function checkBooks(databaseUrl: string, sent: Sent): Promise<void> {
  const wrong = differences(sent, await readBooks(databaseUrl))
  if (wrong.length > 0) throw new Error(`the drain's books are not what was sent:\n  ${wrong.join('\n  ')}`)
}

/** One sentence for each count that is not as sent, and for a ledger that does not balance. */
export function differences(sent: Sent, books: Books): string[] {
  const expected: Books = {
    facts: sent.facts,
    keys: sent.facts,
    deadLetters: sent.deadLetters,
    consumed: sent.records,
    loaded: sent.facts,
    duplicate: sent.duplicates,
    deadLettered: sent.deadLetters,
  }
  const wrong = (Object.keys(expected) as (keyof Books)[])
    .filter((count) => books[count] !== expected[count])
    .map((count) => `${COUNTED[count]}: ${books[count]} where ${expected[count]} were expected`)
  const { consumed, loaded, duplicate, deadLettered } = books
  if (consumed !== loaded + duplicate + deadLettered)
    wrong.push(
      `ledger: ${consumed} consumed, but ${loaded} loaded, ${duplicate} duplicate and ${deadLettered} dead-lettered`,
    )
  return wrong
}

/** Plain tables that every release has, as this may be the warehouse of another checkout. */
function readBooks(databaseUrl: string): Promise<Books> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<Books>(
      `select (select count(*) from warehouse.transactions)::float8 as facts,
              (select count(*) from warehouse.order_keys)::float8 as keys,
              (select count(*) from audit.dead_letters)::float8 as "deadLetters",
              coalesce(sum(consumed), 0)::float8 as consumed, coalesce(sum(loaded), 0)::float8 as loaded,
              coalesce(sum(duplicate), 0)::float8 as duplicate,
              coalesce(sum(dead_lettered), 0)::float8 as "deadLettered"
       from audit.pipeline_batches`,
    )
    return rows[0]!
  })
}
