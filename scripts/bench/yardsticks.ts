import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Client } from 'pg'
import { from, to } from 'pg-copy-streams'
import { withClient } from '../with-client.ts'
import type { CpuMeter } from './cpu.ts'
import { median } from './statistics.ts'

/**
 * `facts`: one COPY of the facts into their table with its indexes; what no load can beat. `facts and keys`:
 * the same and a COPY of their order keys, in one transaction; what the guarantee costs at least, as a key
 * that is not stored can refuse no duplicate.
 *
 * Neither claims, keeps a rollup, a ledger or a watermark, or reads Kafka.
 */
const YARDSTICKS = ['facts', 'facts and keys'] as const
export type Yardstick = (typeof YARDSTICKS)[number]

export interface Copied {
  readonly seconds: number
  /** Postgres' alone; undefined where its processes are not ours to see. */
  readonly cpuSeconds: number | undefined
}

const FACT_COLUMNS = `transaction_timestamp, processed_at, order_id, source_offset, source_partition, incarnation,
  is_fraud_flagged, fraud_score, amount, tax_amount, total_amount, currency, customer_id, product_category,
  batch_id, fraud_reasons`
const KEY_COLUMNS = 'order_id, transaction_timestamp'
const ROUNDS = 3

/**
 * Copies what the ETL loaded into this database, in the order of its arrival, by each yardstick in turn,
 * three times; the median of each. Leaves the copies in the place of what was loaded.
 *
 * @param place a directory for the rows.
 */
export function measureYardsticks(
  databaseUrl: string,
  place: string,
  meter: CpuMeter,
): Promise<Record<Yardstick, Copied>> {
  const files = { facts: `${place}/facts.copy`, keys: `${place}/keys.copy` }
  return withClient(databaseUrl, async (client) => {
    await save(client, FACT_COLUMNS, files.facts)
    await save(client, KEY_COLUMNS, files.keys)
    const copied: Record<Yardstick, Copied[]> = { facts: [], 'facts and keys': [] }
    for (let round = 0; round < ROUNDS; round++)
      for (const yardstick of YARDSTICKS) copied[yardstick].push(await copy(client, yardstick, files, meter))
    return { facts: typical(copied.facts), 'facts and keys': typical(copied['facts and keys']) }
  })
}

async function save(client: Client, columns: string, file: string): Promise<void> {
  const query = `copy (select ${columns} from warehouse.transactions order by id) to stdout`
  await pipeline(client.query(to(query)), createWriteStream(file))
}

async function copy(
  client: Client,
  yardstick: Yardstick,
  files: { readonly facts: string; readonly keys: string },
  meter: CpuMeter,
): Promise<Copied> {
  await client.query('truncate warehouse.transactions, warehouse.order_keys')
  await client.query('checkpoint')
  const cpuSeconds = meter()
  const started = performance.now()
  await client.query('begin')
  await load(client, `warehouse.transactions (${FACT_COLUMNS})`, files.facts)
  if (yardstick === 'facts and keys') await load(client, `warehouse.order_keys (${KEY_COLUMNS})`, files.keys)
  await client.query('commit')
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: cpuSeconds() }
}

async function load(client: Client, table: string, file: string): Promise<void> {
  await pipeline(createReadStream(file), client.query(from(`copy ${table} from stdin`)))
}

function typical(copies: readonly Copied[]): Copied {
  const cpu = copies.flatMap(({ cpuSeconds }) => cpuSeconds ?? [])
  return {
    seconds: median(copies.map(({ seconds }) => seconds)),
    cpuSeconds: cpu.length === copies.length ? median(cpu) : undefined,
  }
}
