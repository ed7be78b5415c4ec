import { randomUUID } from 'node:crypto'
import { transform } from '../../../../etl/job/transform.ts'
import { compile } from '../../../../etl/stream/compile.ts'
import type { Fact } from '../../../../etl/stream/types.ts'
import { aRecord as aRecordOfAny, EVENT_TIME } from '../../../../tests/support/messages.ts'
import type { SourceRecord } from '../../../../etl/kafka/record.ts'
import { transactions } from '../../transactions.ts'

export { aRecordOf, KAFKA_TIME } from '../../../../tests/support/messages.ts'

export const stream = compile(transactions)

/** What a transaction says. */
export interface Sale {
  readonly order_id: string
  readonly amount: number
  readonly currency: string
  readonly timestamp: number
  readonly customer_id: string
  readonly product_category: string
  readonly [field: string]: unknown
}

/** What is derived of it. */
export interface DerivedOfSale {
  readonly tax_amount: number
  readonly total_amount: number
  readonly is_fraud_flagged: boolean
  readonly fraud_score: number
  readonly fraud_reasons: readonly string[]
}

/**
 * Transactions for tests, in each shape that one takes on its way. All defaults are valid and fit one
 * another; a test names what it is about: `aRecordOf(aMessage({ amount: 1000.01 }))`.
 */

/** The transaction's own time in tests: RFC 3339 and microseconds since the epoch. */
export const TRANSACTION_TIME = EVENT_TIME
const TRANSACTION_MICROS = Date.parse(TRANSACTION_TIME) * 1_000

/**
 * The JSON object of a message. An override that is undefined takes the field away. On a live topic
 * give a `timestamp` of now, as Kafka stores its own time with the record.
 */
export function aMessage(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    order_id: randomUUID(),
    amount: 100.5,
    currency: 'EUR',
    timestamp: TRANSACTION_TIME,
    customer_id: 'customer-1',
    product_category: 'books',
    ...overrides,
  }
}

/** A valid message of now, as a live topic wants it; with the fields that are given. */
export function aLiveMessage(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return aMessage({ timestamp: new Date().toISOString(), ...overrides })
}

/** A record as Kafka delivers it, by default around a valid transaction. */
export function aRecord(overrides: Partial<SourceRecord> = {}): SourceRecord {
  return aRecordOfAny({ value: Buffer.from(JSON.stringify(aMessage())), ...overrides })
}

/** A transaction that has passed the contract. Amounts are in hundredths, times in microseconds. */
export function aTransaction(overrides: Partial<Sale> = {}): Sale {
  return {
    order_id: randomUUID(),
    amount: 100_50,
    currency: 'EUR',
    timestamp: TRANSACTION_MICROS,
    customer_id: 'customer-1',
    product_category: 'books',
    ...overrides,
  }
}

/** A fact with what the default rules derive from its transaction (tax of 8.5 %), unless overridden. */
export function aFact({
  offset = 0,
  ...overrides
}: Partial<Sale & DerivedOfSale & { offset: number }> = {}): Fact {
  const { tax_amount, total_amount, is_fraud_flagged, fraud_score, fraud_reasons, ...sale } = overrides
  const derived = { tax_amount, total_amount, is_fraud_flagged, fraud_score, fraud_reasons }
  const given = Object.entries(derived).filter(([, value]) => value !== undefined)
  const [fact] = transform([{ record: aRecord({ offset }), row: aTransaction(sale) }], stream)
  return { ...fact!, row: { ...fact!.row, ...Object.fromEntries(given) } }
}
