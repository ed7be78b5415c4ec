import type { ClientBase, Pool } from 'pg'
import type { Fact } from '../types.ts'
import { bools, hundredths, int4s, int8s, texts, timestamps, uuids } from './binary-arrays.ts'

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
             (order_id, transaction_timestamp, amount, tax_amount, total_amount, currency, customer_id,
              product_category, is_fraud_flagged, fraud_score, fraud_reasons, source_offset,
              source_partition, incarnation, batch_id)
           select f.order_id, f.at, f.amount, f.tax, f.total, f.currency, f.customer, f.category,
                  f.flagged, f.score, f.reasons::text[], f.source_offset, $13, $14, $15
           from unnest($1::uuid[], $2::timestamptz[], $3::numeric[], $4::numeric[], $5::numeric[], $6::text[],
                       $7::text[], $8::text[], $9::bool[], $10::int4[], $11::text[], $12::int8[])
             as f (order_id, at, amount, tax, total, currency, customer, category, flagged, score, reasons, source_offset)`,
    values: [
      uuids(facts.map((fact) => fact.orderId)),
      timestamps(facts.map((fact) => fact.timestampMicros)),
      hundredths(facts.map((fact) => fact.amountCents)),
      hundredths(facts.map((fact) => fact.taxCents)),
      hundredths(facts.map((fact) => fact.totalCents)),
      texts(facts.map((fact) => fact.currency)),
      texts(facts.map((fact) => fact.customerId)),
      texts(facts.map((fact) => fact.productCategory)),
      bools(facts.map((fact) => fact.isFraudFlagged)),
      int4s(facts.map((fact) => fact.fraudScore)),
      texts(facts.map((fact) => textArrayLiteral(fact.fraudReasons))),
      int8s(facts.map((fact) => fact.offset)),
      origin.partition,
      origin.incarnation,
      origin.batchId,
    ],
  })
}

function textArrayLiteral(values: readonly string[]): string {
  return values.length === 0
    ? '{}'
    : `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
}

/** Months whose partition is known to be there. */
export interface MonthKeeper {
  /** Makes the partitions that these facts need and that are not known to be there. */
  ensure(facts: readonly Fact[]): Promise<void>
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
