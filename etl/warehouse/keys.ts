import type { ClientBase } from 'pg'
import type { Fact } from '../types.ts'
import { timestamps, uuids } from './binary-arrays.ts'

/**
 * Claims orders for this transaction.
 *
 * Why it is safe with any number of workers: the primary key admits one row an order. A key that a rival
 * has inserted but not committed makes this statement wait for the rival; afterwards the key is either
 * claimed here or the rival's. Facts come sorted by order_id, so that two loads with the same orders wait
 * for each other in the same order and never in a circle.
 *
 * @param facts one for each order, ascending by order_id.
 * @returns how many were claimed.
 */
export async function claimKeys(client: ClientBase, facts: readonly Fact[]): Promise<number> {
  const { rowCount } = await client.query({
    name: 'claim-keys',
    text: `insert into warehouse.order_keys (order_id, transaction_timestamp)
           select * from unnest($1::uuid[], $2::timestamptz[])
           on conflict do nothing`,
    values: [uuids(facts.map((fact) => fact.orderId)), timestamps(facts.map((fact) => fact.timestampMicros))],
  })
  return rowCount ?? 0
}

/** An order that somebody loaded before; contract values as stored. */
export interface ExistingOrder {
  readonly orderId: string
  readonly timestampMicros: number
  /** Undefined where the fact was dropped for its age and only the key is left. */
  readonly values:
    | { amountCents: number; currency: string; customerId: string; productCategory: string }
    | undefined
}

/**
 * The orders among these that were not ours to claim.
 *
 * A second statement, because only a new snapshot shows what a rival committed while the claim waited
 * (READ COMMITTED). In the claim's own statement such a key is neither claimed nor visible. A key is ours
 * when this transaction wrote it.
 *
 * @throws Error unless claimed and found together are all: a record would be lost.
 */
export async function findExisting(
  client: ClientBase,
  facts: readonly Fact[],
  claimed: number,
): Promise<Map<string, ExistingOrder>> {
  const { rows } = await client.query<{
    order_id: string
    micros: number
    amount_cents: number | null
    currency: string
    customer_id: string
    product_category: string
  }>({
    name: 'find-existing',
    text: `select k.order_id, (extract(epoch from k.transaction_timestamp) * 1000000)::bigint as micros,
                  (t.amount * 100)::bigint as amount_cents, t.currency, t.customer_id, t.product_category
           from warehouse.order_keys k
           left join warehouse.transactions t
             on t.transaction_timestamp = k.transaction_timestamp and t.order_id = k.order_id
           where k.order_id = any($1::uuid[]) and k.xmin <> pg_current_xact_id()::xid`,
    values: [uuids(facts.map((fact) => fact.orderId))],
  })
  if (claimed + rows.length !== facts.length) {
    throw new Error(
      `of ${facts.length} orders ${claimed} were claimed and ${rows.length} found: they do not add up`,
    )
  }
  return new Map(
    rows.map((row) => [
      row.order_id,
      {
        orderId: row.order_id,
        timestampMicros: row.micros,
        values:
          row.amount_cents === null
            ? undefined
            : {
                amountCents: row.amount_cents,
                currency: row.currency,
                customerId: row.customer_id,
                productCategory: row.product_category,
              },
      },
    ]),
  )
}
