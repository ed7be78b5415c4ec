import { count } from '../text/wording.ts'
import { findMismatches } from './findings.ts'
import type { CheckResult } from './report.ts'
import type { Snapshot } from './snapshot.ts'

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
const MISMATCHES = `
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
    MISMATCHES,
    (row) =>
      `minute ${row.minute.toISOString()}, partition ${row.source_partition}, ${row.currency}, ${row.product_category}`,
    sentence,
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

function sentence(row: CellMismatch & { kind: string }): string {
  if (row.kind === 'missing') return `${row.fact_transactions} facts, but no row in the rollup`
  if (row.kind === 'without facts')
    return `the rollup has ${row.rollup_transactions} transactions, but there is no fact`
  return MEASURES.filter((m) => Number(row[`fact_${m}`]) !== Number(row[`rollup_${m}`]))
    .map((m) => `${m} is ${row[`fact_${m}`]} by the facts, ${row[`rollup_${m}`]} in the rollup`)
    .join('; ')
}
