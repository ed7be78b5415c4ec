import type { Comparison } from './cross-check.ts'
import type { Summary } from './summary.ts'
import { oneLine, table, thousands } from './text.ts'

/** Sales, fraud and rejections, for people. */
export function renderSummary(summary: Summary): string {
  return [sales(summary), categories(summary), fraud(summary), rejections(summary)]
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

function categories(summary: Summary): string[] {
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

export function renderComparison(comparisons: readonly Comparison[], inDoubt: number): string {
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
