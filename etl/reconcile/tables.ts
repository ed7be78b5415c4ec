import { count } from '../text/wording.ts'
import { findMismatches } from './findings.ts'
import type { CheckResult } from './report.ts'
import type { Snapshot } from './snapshot.ts'

interface UsedTwice {
  readonly batch_id: string
  readonly offset: number
  readonly facts: number
  readonly letters: number
}

/**
 * A record becomes one fact or one dead letter: no offset has two rows, which equal counts could hide. The
 * batch's id tells topic, partition and incarnation.
 */
export async function checkOffsets(snapshot: Snapshot): Promise<CheckResult> {
  const findings = await findMismatches<UsedTwice>(
    snapshot,
    `select 'twice' as kind, (batch_id, "offset") as sort, batch_id, "offset", sum(fact) as facts, sum(letter) as letters
     from (
       select batch_id, source_offset as "offset", 1 as fact, 0 as letter from warehouse.transactions
       union all
       select batch_id, "offset", 0, 1 from audit.dead_letters
     ) stored
     group by batch_id, "offset" having count(*) > 1`,
    ({ batch_id, offset }) => `offset ${offset} of batch ${batch_id}`,
    ({ facts, letters }) => `it has ${count(facts, 'fact')} and ${count(letters, 'dead letter')}`,
  )
  return { rule: 'no offset has more than one fact or dead letter', scope: 'all of them', findings }
}

/** The measures of a cell, as text: numeric sums are compared and shown exactly. */
const MEASURES = ['transactions', 'flagged', 'amount', 'tax_amount', 'flagged_amount'] as const
type Measure = (typeof MEASURES)[number]

type CellMismatch = Record<`fact_${Measure}` | `rollup_${Measure}`, string | null> & {
  readonly minute: Date
  readonly source_partition: number
  readonly currency: string
  readonly product_category: string
}

/** The pipeline cuts minutes in UTC from the microseconds; so does date_bin, for dates before its origin too. */
const CELL_MISMATCHES = `
  select case when f.transactions is null then 'without facts' when s.transactions is null then 'missing' else 'differs' end as kind,
         (minute, source_partition, currency, product_category) as sort,
         minute, source_partition, currency, product_category,
         ${MEASURES.map((m) => `f.${m}::text as fact_${m}, s.${m}::text as rollup_${m}`).join(', ')}
  from (
    select date_bin('1 minute', transaction_timestamp, 'epoch') as minute, source_partition, currency, product_category,
           count(*) as transactions, count(*) filter (where is_fraud_flagged) as flagged, sum(amount) as amount,
           sum(tax_amount) as tax_amount, coalesce(sum(amount) filter (where is_fraud_flagged), 0) as flagged_amount
    from warehouse.transactions group by 1, 2, 3, 4
  ) f
  full join warehouse.sales_by_minute s using (minute, source_partition, currency, product_category)
  where ${MEASURES.map((m) => `f.${m} is distinct from s.${m}`).join(' or ')}`

/** The rollup is the sum of the facts, cell by cell and in both directions. */
export async function checkRollup(snapshot: Snapshot): Promise<CheckResult> {
  const findings = await findMismatches<CellMismatch>(
    snapshot,
    CELL_MISMATCHES,
    (row) =>
      `minute ${row.minute.toISOString()}, partition ${row.source_partition}, ${row.currency}, ${row.product_category}`,
    cellSentence,
  )
  const { rows } = await snapshot.query<{ cells: number }>(
    'select count(*) as cells from warehouse.sales_by_minute',
  )
  return {
    rule: 'the sales by minute are the sums of the facts',
    scope: count(rows[0]!.cells, 'row'),
    findings,
  }
}

function cellSentence(row: CellMismatch & { kind: string }): string {
  if (row.kind === 'missing') return `${row.fact_transactions} facts, but no row in the rollup`
  if (row.kind === 'without facts')
    return `the rollup has ${row.rollup_transactions} transactions, but there is no fact`
  return MEASURES.filter((m) => Number(row[`fact_${m}`]) !== Number(row[`rollup_${m}`]))
    .map((m) => `${m} is ${row[`fact_${m}`]} by the facts, ${row[`rollup_${m}`]} in the rollup`)
    .join('; ')
}

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
const KEY_MISMATCHES = `
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
    KEY_MISMATCHES,
    ({ order_id }) => `order ${order_id}`,
    keySentence,
  )
  const { rows } = await snapshot.query<{ keys: number }>('select count(*) as keys from warehouse.order_keys')
  return {
    rule: 'each fact has its order key, and each key its fact, unless that was dropped for its age',
    scope: count(rows[0]!.keys, 'key'),
    findings,
  }
}

function keySentence({
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
