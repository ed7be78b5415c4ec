import type { Pool } from 'pg'

/** A fact as the fraud pages show it. Amounts are decimal text: money is never a float. */
export interface FraudFact {
  readonly orderId: string
  readonly at: Date
  readonly customerId: string
  readonly productCategory: string
  readonly currency: string
  readonly amount: string
  readonly totalAmount: string
  readonly flagged: boolean
  readonly score: number
  readonly reasons: readonly string[]
  readonly batchId: string
  /** Pages on from this fact. */
  readonly cursor: string
}

/** A fact's place in time, to the microsecond as Postgres has it: `2026-11-21T10:00:00.123456Z_<order id>`. */
export const CURSOR = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)_([0-9a-f-]{36})$/

const FACT = `order_id as "orderId", transaction_timestamp as at, customer_id as "customerId",
  product_category as "productCategory", currency, amount, total_amount as "totalAmount", is_fraud_flagged as flagged,
  fraud_score as score, fraud_reasons as reasons, batch_id as "batchId",
  to_char(transaction_timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '_' || order_id as cursor`

const OLDER = `($2::timestamptz is null or (transaction_timestamp, order_id) < ($2::timestamptz, $3::uuid))`
const NEWEST_FIRST = 'order by transaction_timestamp desc, order_id desc limit $1'

interface FactPage {
  readonly limit: number
  /** A fact's cursor. */
  readonly before?: string | undefined
}

const placeOf = ({ limit, before }: FactPage) => {
  const [, at = null, orderId = null] = CURSOR.exec(before ?? '') ?? []
  return [limit, at, orderId]
}

/** Flagged ones, newest first. */
export async function readFlagged(pool: Pool, page: FactPage): Promise<FraudFact[]> {
  const { rows } = await pool.query<FraudFact>(
    `select ${FACT} from warehouse.transactions where is_fraud_flagged and ${OLDER} ${NEWEST_FIRST}`,
    placeOf(page),
  )
  return rows
}

/** Of one customer, newest first. */
export async function readOfCustomer(
  pool: Pool,
  customerId: string,
  page: FactPage & { readonly flaggedOnly: boolean },
): Promise<FraudFact[]> {
  const { rows } = await pool.query<FraudFact>(
    `select ${FACT} from warehouse.transactions
     where customer_id = $4 and (is_fraud_flagged or not $5) and ${OLDER} ${NEWEST_FIRST}`,
    [...placeOf(page), customerId, page.flaggedOnly],
  )
  return rows
}

interface ReasonCount {
  readonly reason: string
  readonly count: number
  readonly lastAt: Date
}

export interface ReasonCounts {
  readonly reasons: readonly ReasonCount[]
  /** Flagged transactions that were looked at: those of the time asked for, or the newest MOST_FLAGGED of them. */
  readonly flagged: number
}

/** More are not looked at, so that the page answers at once whatever was flagged. */
export const MOST_FLAGGED = 20_000

/** How often each reason was given for the transactions of the last hours, most often first. */
export async function countReasons(pool: Pool, hours: number): Promise<ReasonCounts> {
  const { rows } = await pool.query<ReasonCount & { flagged: number }>(
    `with flagged as materialized (
       select fraud_reasons, transaction_timestamp from warehouse.transactions
       where is_fraud_flagged and transaction_timestamp > now() - make_interval(hours => $1)
       order by transaction_timestamp desc limit ${MOST_FLAGGED}
     )
     select reason, count(*) as count, max(transaction_timestamp) as "lastAt",
            (select count(*) from flagged) as flagged
     from flagged, unnest(fraud_reasons) as reason group by reason order by 2 desc, reason`,
    [hours],
  )
  return { reasons: rows, flagged: rows[0]?.flagged ?? 0 }
}

/** What one customer bought in one currency. */
export interface CustomerTotal {
  readonly currency: string
  readonly transactions: number
  readonly flagged: number
  readonly amount: string
  readonly flaggedAmount: string
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Most transactions first. */
export async function readCustomerTotals(pool: Pool, customerId: string): Promise<CustomerTotal[]> {
  const { rows } = await pool.query<CustomerTotal>(
    `select currency, count(*) as transactions, count(*) filter (where is_fraud_flagged) as flagged, sum(amount) as amount,
            coalesce(sum(amount) filter (where is_fraud_flagged), 0) as "flaggedAmount",
            min(transaction_timestamp) as "firstAt", max(transaction_timestamp) as "lastAt"
     from warehouse.transactions where customer_id = $1 group by currency order by 2 desc, currency`,
    [customerId],
  )
  return rows
}
