/**
 * The words that the stages of the pipeline share. What happened to a record is a value
 * (`Rejection`, `Fact`), never an exception.
 *
 * Offsets are plain numbers: Kafka's are 64-bit, but a partition that took a million records a
 * second would need 285 years to leave the safe integers, and the decoder refuses one that does.
 */

/** A record header; a key may occur more than once, and order is kept. */
export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** A record as Kafka delivered it: bytes, and where and when they were stored. */
export interface SourceRecord {
  readonly offset: number
  /** Kafka's own timestamp of the record (LogAppendTime), milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Set where the record batch could not be decoded: why. `value` then holds the bytes as stored, on the first record. */
  readonly undecodable?: string
}

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

/** Why a record became a dead letter. The names are part of the contract at the edges. */
export const DEAD_LETTER_CODES = [
  'malformed_json',
  'schema_violation',
  'timestamp_out_of_range',
  'conflicting_duplicate',
  'rejected_by_warehouse',
  'undecodable',
] as const
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
