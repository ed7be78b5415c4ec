import type { SourceRecord } from '../kafka/record.ts'
import type { DEAD_LETTER_CODES } from '../schema/audit.ts'

/**
 * The words that the stages of the pipeline share. What happened to a record is a value
 * (`Rejection`, `Fact`), never an exception.
 */

/** A record that keeps the message contract, in the types that the warehouse wants. */
export interface Transaction {
  /** Lower-case UUID. */
  readonly orderId: string
  /** Amount in hundredths of the currency, 1 to 999_999_999_999. */
  readonly amountCents: number
  /** Upper-case ISO 4217 code. */
  readonly currency: string
  /** Microseconds since the epoch, UTC: Postgres' own resolution. */
  readonly timestampMicros: number
  readonly customerId: string
  readonly productCategory: string
}

/** What a fraud rule may look at. */
export type FraudSubject = Omit<Transaction, 'orderId'>

/** A transaction with all that the transform derives from it, and where it came from. */
export interface Fact extends Transaction {
  readonly offset: number
  readonly taxCents: number
  readonly totalCents: number
  readonly isFraudFlagged: boolean
  /** 0 to 100. */
  readonly fraudScore: number
  readonly fraudReasons: readonly string[]
}

/** Why a record became a dead letter. */
export type DeadLetterCode = (typeof DEAD_LETTER_CODES)[number]

/** One thing that is wrong with a record. */
export interface Issue {
  /** The field's name, or '' where the record as a whole is meant. */
  readonly field: string
  /** What is wrong and what is accepted, in a sentence for people. Holds at most an excerpt of the value. */
  readonly message: string
}

/** A record that can't be loaded, and why. */
export interface Rejection {
  readonly record: SourceRecord
  readonly code: DeadLetterCode
  readonly issues: readonly Issue[]
}

/** A transaction beside the record that it came from. */
export interface ValidRecord {
  readonly record: SourceRecord
  readonly transaction: Transaction
}
