import type { ClientBase } from 'pg'
import type { Fact } from './types.ts'
import { timestamps, uuids } from '../postgres/binary-arrays.ts'
import { READ_CONTRACT, type ContractValues } from './contract-columns.ts'

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
  readonly values: ContractValues | undefined
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
  const { rows } = await client.query<ContractValues & Omit<ExistingOrder, 'values'> & { hasFact: boolean }>({
    name: 'find-existing',
    text: `select k.order_id as "orderId", (extract(epoch from k.transaction_timestamp) * 1000000)::bigint as "timestampMicros",
                  t.order_id is not null as "hasFact", ${READ_CONTRACT}
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
    rows.map(({ orderId, timestampMicros, hasFact, ...values }) => [
      orderId,
      { orderId, timestampMicros, values: hasFact ? values : undefined },
    ]),
  )
}
