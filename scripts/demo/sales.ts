import type { Pool } from 'pg'
import type { Found } from './compare.ts'
import { oneLine, table, thousands } from './screen.ts'

/** What was sold. Money is Postgres' own text of it. */
export interface Sales {
  /** Most transactions first. Sums of different currencies are never added up. */
  readonly currencies: readonly { currency: string; transactions: number; revenue: string; tax: string }[]
  /** Most transactions first, at most four. */
  readonly categories: readonly { category: string; transactions: number }[]
  readonly transactions: number
  readonly flagged: number
  /** The three flagged ones with the highest amounts, whatever the currency, as the rule has it. */
  readonly largest: readonly FlaggedSale[]
}

interface FlaggedSale {
  readonly amount: string
  readonly currency: string
  readonly customer: string
  readonly category: string
  readonly score: number
  readonly reasons: readonly string[]
}

/** Reads it in one snapshot, so that its parts agree. */
export async function readSales(pool: Pool): Promise<Sales> {
  const client = await pool.connect()
  const rows = async <T extends object>(text: string): Promise<T[]> => (await client.query<T>(text)).rows
  try {
    await client.query('begin isolation level repeatable read read only')
    const currencies = await rows<Sales['currencies'][number]>(
      `select currency, sum(transactions)::bigint as transactions, round(sum(amount), 2)::text as revenue,
              round(sum(tax_amount), 2)::text as tax
       from warehouse.sales_by_minute group by currency order by transactions desc, currency`,
    )
    const categories = await rows<Sales['categories'][number]>(
      `select product_category as category, sum(transactions)::bigint as transactions
       from warehouse.sales_by_minute group by product_category order by transactions desc, category limit 4`,
    )
    const [facts] = await rows<Pick<Sales, 'transactions' | 'flagged'>>(
      `select count(*) as transactions, count(*) filter (where is_fraud_flagged) as flagged from warehouse.transactions`,
    )
    const largest = await rows<FlaggedSale>(
      `select amount::text, currency, customer_id as customer, product_category as category, fraud_score as score,
              fraud_reasons as reasons
       from warehouse.transactions where is_fraud_flagged order by transactions.amount desc, order_id limit 3`,
    )
    await client.query('commit')
    return { currencies, categories, largest, ...facts! }
  } finally {
    client.release()
  }
}

/** Sales, fraud and what was rejected, for people. */
export function renderSales(summary: Sales, { rejected }: Pick<Found, 'rejected'>): string {
  return [sales(summary), topCategories(summary), fraud(summary), rejections(rejected)]
    .filter((block) => block.length > 0)
    .map((block) => block.map((line) => oneLine(line)).join('\n'))
    .join('\n\n')
}

function sales({ currencies }: Sales): string[] {
  if (currencies.length === 0) return ['Sales: none']
  const rows = currencies.map(({ currency, transactions, revenue, tax }) => [
    currency,
    thousands(transactions),
    thousands(revenue),
    thousands(tax),
  ])
  return ['Sales', ...table([['currency', 'transactions', 'revenue', 'tax'], ...rows])]
}

function topCategories(summary: Sales): string[] {
  if (summary.categories.length === 0) return []
  const parts = summary.categories.map(
    ({ category, transactions }) => `${category} ${thousands(transactions)}`,
  )
  return [`Top categories (transactions): ${parts.join(', ')}`]
}

function fraud({ transactions, flagged, largest }: Sales): string[] {
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

function rejections(rejected: Found['rejected']): string[] {
  if (rejected.length === 0) return ['Rejected: none']
  const total = rejected.reduce((sum, { count }) => sum + count, 0)
  const rows = rejected.map(({ code, count, example }) => [
    code,
    thousands(count),
    example === null ? '' : `e.g. ${example.message}`,
  ])
  return [`Rejected: ${thousands(total)} records, kept as dead letters`, ...table(rows)]
}
