import type { ClientBase, Pool } from 'pg'
import type { Fact } from './types.ts'
import { bools, hundredths, int4s, int8s, texts, timestamps, uuids } from '../postgres/binary-arrays.ts'
import { CONTRACT_NAMES, contractArrays, contractValues } from './contract-columns.ts'

/** Where the facts of a batch came from; stored with each, as its lineage. */
export interface Origin {
  readonly batchId: string
  readonly partition: number
  readonly incarnation: number
}

/**
 * Inserts facts whose keys this transaction has claimed, so that no other can hold a conflicting row.
 */
export async function insertFacts(client: ClientBase, facts: readonly Fact[], origin: Origin): Promise<void> {
  await client.query({
    name: 'insert-facts',
    text: `insert into warehouse.transactions
             (source_partition, incarnation, batch_id, order_id, transaction_timestamp, tax_amount, total_amount,
              is_fraud_flagged, fraud_score, fraud_reasons, source_offset, ${CONTRACT_NAMES})
           select $1, $2, $3, order_id, at, tax, total, flagged, score, reasons::text[], source_offset, ${CONTRACT_NAMES}
           from unnest($4::uuid[], $5::timestamptz[], $6::numeric[], $7::numeric[], $8::bool[], $9::int4[], $10::text[],
                       $11::int8[], ${contractArrays(12)})
             as f (order_id, at, tax, total, flagged, score, reasons, source_offset, ${CONTRACT_NAMES})`,
    values: [
      origin.partition,
      origin.incarnation,
      origin.batchId,
      uuids(facts.map((fact) => fact.orderId)),
      timestamps(facts.map((fact) => fact.timestampMicros)),
      hundredths(facts.map((fact) => fact.taxCents)),
      hundredths(facts.map((fact) => fact.totalCents)),
      bools(facts.map((fact) => fact.isFraudFlagged)),
      int4s(facts.map((fact) => fact.fraudScore)),
      texts(facts.map((fact) => textArrayLiteral(fact.fraudReasons))),
      int8s(facts.map((fact) => fact.offset)),
      ...contractValues(facts),
    ],
  })
}

/** One row's array, in an array of them. */
export function textArrayLiteral(values: readonly string[]): string {
  return values.length === 0
    ? '{}'
    : `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
}

/** Months whose partition is known to be there. */
export interface MonthKeeper {
  /** Makes the partitions that these facts need and that are not known to be there. */
  ensure(facts: readonly Fact[]): Promise<void>
  /** Believes in no month any more. */
  forget(): void
}

/** How long a month is believed to be there without asking: it may be dropped for its age. */
const BELIEVED_MS = 60_000

/**
 * Each partition is made in a transaction of its own, before the load: DDL inside it would hold locks
 * that others wait for.
 */
export function createMonthKeeper(pool: Pool): MonthKeeper {
  const known = new Map<number, number>()
  return {
    forget: () => known.clear(),
    ensure: async (facts) => {
      const now = performance.now()
      const missing = new Set<number>()
      for (const fact of facts) {
        const month = monthOf(fact.timestampMicros)
        if (now - (known.get(month) ?? -Infinity) > BELIEVED_MS) missing.add(month)
      }
      for (const month of [...missing].sort((a, b) => a - b)) {
        await pool.query('select warehouse.ensure_month(to_timestamp($1::double precision / 1000))', [
          Date.UTC(Math.floor(month / 12), month % 12),
        ])
        known.set(month, now)
      }
    },
  }
}

/** Months since the year 0, in UTC. */
function monthOf(micros: number): number {
  const date = new Date(micros / 1000)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}
