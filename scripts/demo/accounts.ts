import type { Pool } from 'pg'
import { DEAD_LETTER_CODES } from '../../etl/schema/audit.ts'
import type { DeadLetterCode, Issue } from '../../etl/stream/types.ts'
import { compile } from '../../etl/stream/compile.ts'
import { streams } from '../../etl/installation.ts'
import { INVALID_KINDS } from '../../producer/messages.ts'
import type { MessageKind } from '../../producer/messages.ts'
import { reconcile, renderReconciliation } from '../../etl/reconcile/reconcile.ts'
import { oneLine, table, thousands, wrapped, type LogLine } from './screen.ts'
import type { Workplace } from './workplace.ts'

/** How the producer and the ETL have ended. */
export interface Ending {
  readonly sent: Sent
  /** All that was sent is loaded. */
  readonly drained: boolean
}

/**
 * Shows what became of everything, and proves it: the warehouse against what the producer says that it
 * sent, then the reconciliation, which reads the topic again and asks nobody.
 *
 * @returns whether it balances.
 */
export async function giveAccounts(
  { pool, kafka, names }: Workplace,
  { sent, drained }: Ending,
  say: (text: string) => void,
): Promise<boolean> {
  const summary = await readSummary(pool)
  say(`\n${renderSummary(summary)}`)
  const comparisons = compare(sent, summary)
  say(`\n${renderComparison(comparisons, sent.inDoubt)}`)
  const report = await reconcile({
    pool,
    stream: compile(streams[0]!),
    kafka,
    topic: names.topic,
    deep: true,
  })
  say(`\n${dense(renderReconciliation(report))}`)

  const problems = [
    ...(drained ? [] : ['not everything was loaded']),
    ...(agrees(comparisons, sent.inDoubt) ? [] : ['the warehouse does not have what was sent']),
    ...(report.balanced ? [] : ['the reconciliation found something']),
  ]
  if (problems.length > 0) say(`\nNOT balanced: ${problems.join(', and ')}.`)
  return problems.length === 0
}

/** Without its empty lines, and no wider than the rest. */
function dense(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => wrapped(line, '   ')).join('\n')
}

/** What the producer says at its end. */
export interface Sent {
  readonly total: number
  readonly sent: Readonly<Record<MessageKind, number>>
  /** Of the invalid ones: how many break which rule. */
  readonly invalidKinds: Readonly<Record<string, number>>
  /** Handed over and not acknowledged: each may be in the topic or not. */
  readonly inDoubt: number
}

/** Of a producer that was stopped before it began. */
export const NOTHING_SENT: Sent = {
  total: 0,
  sent: { valid: 0, duplicate: 0, conflicting: 0, invalid: 0 },
  invalidKinds: {},
  inDoubt: 0,
}

/** @throws TypeError if this is not the producer's last line. */
export function readSent({ fields, msg }: LogLine): Sent {
  const { total, sent, invalidKinds, inDoubt } = fields as Partial<Sent>
  if (total === undefined || sent === undefined || invalidKinds === undefined || inDoubt === undefined)
    throw new TypeError(`The producer's last line does not say what it sent: ${msg}`)
  return { total, sent, invalidKinds, inDoubt }
}

/** One kind of record: how many were sent, and how many of what they must become are there. */
interface Comparison {
  readonly kind: string
  readonly becomes: string
  readonly sent: number
  readonly found: number
}

/** Holds what the producer says that it sent against what the warehouse has, kind by kind. */
export function compare(sent: Sent, summary: Summary): Comparison[] {
  const expected = new Map<DeadLetterCode, number>([['conflicting_duplicate', sent.sent.conflicting]])
  for (const { kind, expectedCode } of INVALID_KINDS) {
    const count = sent.invalidKinds[kind] ?? 0
    if (count > 0) expected.set(expectedCode, (expected.get(expectedCode) ?? 0) + count)
  }
  const found = new Map(summary.rejected.map(({ code, count }) => [code, count]))
  const rejected = DEAD_LETTER_CODES.filter((code) => found.has(code) || (expected.get(code) ?? 0) > 0)
  return [
    { kind: 'valid', becomes: 'loaded', sent: sent.sent.valid, found: summary.transactions },
    { kind: 'repeated', becomes: 'duplicate', sent: sent.sent.duplicate, found: summary.duplicates },
    ...rejected.map((code) => ({
      kind: code === 'conflicting_duplicate' ? 'repeated with another amount' : 'broken',
      becomes: code,
      sent: expected.get(code) ?? 0,
      found: found.get(code) ?? 0,
    })),
    { kind: 'all', becomes: 'consumed', sent: sent.total, found: summary.consumed },
  ]
}

/** Whether all agrees; records in doubt may be there or not. */
export function agrees(comparisons: readonly Comparison[], inDoubt: number): boolean {
  return comparisons.every(({ sent, found }) => found >= sent && found <= sent + inDoubt)
}

function renderComparison(comparisons: readonly Comparison[], inDoubt: number): string {
  const rows = comparisons.map(({ kind, becomes, sent, found }) => [
    kind,
    becomes,
    thousands(sent),
    thousands(found),
    sent === found ? '' : '← differs',
  ])
  return [
    'Sent, as the producer says, and found in the warehouse',
    ...table([['records', 'become', 'sent', 'found'], ...rows]),
    ...(inDoubt > 0
      ? [`  ${thousands(inDoubt)} more were handed to Kafka and not acknowledged: they may be there or not`]
      : []),
  ].join('\n')
}

/** What the warehouse holds. Money is Postgres' own text of it. */
export interface Summary {
  /** Most transactions first. Sums of different currencies are never added up. */
  readonly currencies: readonly { currency: string; transactions: number; revenue: string; tax: string }[]
  /** Most transactions first, at most four. */
  readonly categories: readonly { category: string; transactions: number }[]
  readonly transactions: number
  readonly flagged: number
  /** The three flagged ones with the highest amounts, whatever the currency, as the rule has it. */
  readonly largest: readonly FlaggedSale[]
  readonly rejected: readonly { code: DeadLetterCode; count: number; example: Issue | null }[]
  /** Records that the ledger knows as consumed and as duplicates. */
  readonly consumed: number
  readonly duplicates: number
}

interface FlaggedSale {
  readonly amount: string
  readonly currency: string
  readonly customer: string
  readonly category: string
  readonly score: number
  readonly reasons: readonly string[]
}

/** Reads the summary in one snapshot, so that its parts agree. */
async function readSummary(pool: Pool): Promise<Summary> {
  const client = await pool.connect()
  const rows = async <T extends object>(text: string): Promise<T[]> => (await client.query<T>(text)).rows
  try {
    await client.query('begin isolation level repeatable read read only')
    const currencies = await rows<Summary['currencies'][number]>(
      `select currency, sum(transactions)::bigint as transactions, round(sum(amount), 2)::text as revenue,
              round(sum(tax_amount), 2)::text as tax
       from warehouse.sales_by_minute group by currency order by transactions desc, currency`,
    )
    const categories = await rows<Summary['categories'][number]>(
      `select product_category as category, sum(transactions)::bigint as transactions
       from warehouse.sales_by_minute group by product_category order by transactions desc, category limit 4`,
    )
    const [facts] = await rows<Pick<Summary, 'transactions' | 'flagged'>>(
      `select count(*) as transactions, count(*) filter (where is_fraud_flagged) as flagged from warehouse.transactions`,
    )
    const largest = await rows<FlaggedSale>(
      `select amount::text, currency, customer_id as customer, product_category as category, fraud_score as score,
              fraud_reasons as reasons
       from warehouse.transactions where is_fraud_flagged order by transactions.amount desc, order_id limit 3`,
    )
    const rejected = await rows<Summary['rejected'][number]>(
      `select code, count(*), (array_agg(issues -> 0 order by id))[1] as example
       from audit.dead_letters group by code order by count desc, code`,
    )
    const [ledger] = await rows<Pick<Summary, 'consumed' | 'duplicates'>>(
      `select coalesce(sum(consumed), 0)::bigint as consumed, coalesce(sum(duplicate), 0)::bigint as duplicates
       from audit.pipeline_batches`,
    )
    await client.query('commit')
    return { currencies, categories, largest, rejected, ...facts!, ...ledger! }
  } finally {
    client.release()
  }
}

/** Sales, fraud and rejections, for people. */
function renderSummary(summary: Summary): string {
  return [sales(summary), topCategories(summary), fraud(summary), rejections(summary)]
    .filter((block) => block.length > 0)
    .map((block) => block.map((line) => oneLine(line)).join('\n'))
    .join('\n\n')
}

function sales({ currencies }: Summary): string[] {
  if (currencies.length === 0) return ['Sales: none']
  const rows = currencies.map(({ currency, transactions, revenue, tax }) => [
    currency,
    thousands(transactions),
    thousands(revenue),
    thousands(tax),
  ])
  return ['Sales', ...table([['currency', 'transactions', 'revenue', 'tax'], ...rows])]
}

function topCategories(summary: Summary): string[] {
  if (summary.categories.length === 0) return []
  const parts = summary.categories.map(
    ({ category, transactions }) => `${category} ${thousands(transactions)}`,
  )
  return [`Top categories (transactions): ${parts.join(', ')}`]
}

function fraud({ transactions, flagged, largest }: Summary): string[] {
  if (transactions === 0) return []
  const share = ((flagged / transactions) * 100).toFixed(1)
  const head = `Fraud: ${thousands(flagged)} of ${thousands(transactions)} flagged (${share} %)`
  if (largest.length === 0) return [head]
  const rows = largest.map(({ amount, currency, category, customer, score, reasons }) => [
    thousands(amount),
    currency,
    category,
    customer,
    `score ${score}: ${reasons.join(', ')}`,
  ])
  return [`${head}; the largest:`, ...table(rows)]
}

function rejections({ rejected }: Summary): string[] {
  if (rejected.length === 0) return ['Rejected: none']
  const total = rejected.reduce((sum, { count }) => sum + count, 0)
  const rows = rejected.map(({ code, count, example }) => [
    code,
    thousands(count),
    example === null ? '' : `e.g. ${example.message}`,
  ])
  return [`Rejected: ${thousands(total)} records, kept as dead letters`, ...table(rows)]
}
