import { count } from '../text/wording.ts'
import { findMismatches } from './findings.ts'
import type { CheckResult } from './report.ts'
import type { Snapshot } from './snapshot.ts'

interface KeyMismatch {
  readonly order_id: string
  readonly batch_id: string | null
  readonly source_offset: number | null
  readonly key_at: Date | null
  readonly fact_at: Date | null
}

/**
 * A key outlives its fact where the fact was dropped for its age, with its whole month, which had ended 31
 * days before at least. As many as were dropped may be without a fact, and no more: else all are told.
 */
const MISMATCHES = `
  with pairs as (
    select order_id, t.batch_id, t.source_offset, k.order_id is null as no_key, t.order_id is null as no_fact,
           k.transaction_timestamp as key_at, t.transaction_timestamp as fact_at,
           t.order_id is null and date_trunc('month', k.transaction_timestamp, 'UTC') + interval '1 month'
             <= now() - interval '31 days' as may_be_dropped
    from warehouse.transactions t full join warehouse.order_keys k using (order_id)
    where k.transaction_timestamp is distinct from t.transaction_timestamp
  ), dropped as (
    select (select coalesce(sum(dropped), 0) from audit.pipeline_batches)
         + (select coalesce(sum(dropped), 0) from audit.opening_balances) as facts
  )
  select case when no_key then 'fact without key' when no_fact then 'key without fact' else 'another timestamp' end as kind,
         order_id as sort, order_id, batch_id, source_offset, key_at, fact_at
  from pairs, dropped
  where not may_be_dropped or (select count(*) from pairs where may_be_dropped) > dropped.facts`

/**
 * An order is once in the warehouse: each fact has its key with its timestamp, and each key its fact unless
 * that was dropped for its age. An order that is there twice is seen too, since its two facts differ in the
 * timestamp and its key has one.
 */
export async function checkOrderKeys(snapshot: Snapshot): Promise<CheckResult> {
  const findings = await findMismatches<KeyMismatch>(
    snapshot,
    MISMATCHES,
    ({ order_id }) => `order ${order_id}`,
    sentence,
  )
  const { rows } = await snapshot.query<{ keys: number }>('select count(*) as keys from warehouse.order_keys')
  return {
    rule: 'each fact has its order key, and each key its fact, unless that was dropped for its age',
    scope: count(rows[0]!.keys, 'key'),
    findings,
  }
}

function sentence({
  kind,
  batch_id,
  source_offset,
  key_at,
  fact_at,
}: KeyMismatch & { kind: string }): string {
  if (kind === 'key without fact') return `its key of ${key_at?.toISOString()} has no fact`
  const fact = `its fact at offset ${source_offset} of batch ${batch_id}`
  if (kind === 'fact without key') return `${fact} has no key`
  return `${fact} is of ${fact_at?.toISOString()}, its key of ${key_at?.toISOString()}`
}

/** A fact's total is its amount and its tax: the one derived sum that the rollup doesn't hold. */
export async function checkAmounts(snapshot: Snapshot): Promise<CheckResult> {
  const findings = await findMismatches<{
    order_id: string
    amount: string
    tax_amount: string
    total_amount: string
  }>(
    snapshot,
    `select 'total' as kind, order_id as sort, order_id, amount, tax_amount, total_amount
     from warehouse.transactions where total_amount <> amount + tax_amount`,
    ({ order_id }) => `order ${order_id}`,
    (row) => `its total is ${row.total_amount}, which is not ${row.amount} + ${row.tax_amount}`,
  )
  return { rule: 'the total of each fact is its amount and its tax', scope: 'all facts', findings }
}
