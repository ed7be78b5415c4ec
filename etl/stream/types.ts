import type { SourceRecord } from '../kafka/record.ts'
import type { DEAD_LETTER_CODES, STOP_CODES } from '../schema/audit.ts'
import type { Row } from './field.ts'

/**
 * The words that the stages of the pipeline share. What happened to a record is a value
 * (`Rejection`, `Fact`), never an exception.
 */

/** A record that keeps the contract of its stream, with all that is derived of it, and where it came from. */
export interface Fact {
  readonly offset: number
  /** Tells it apart from other facts of the stream: two records of one identity are the same fact. */
  readonly identity: string
  /** By field, in the units of their words. */
  readonly row: Row
}

/** Why a record became a dead letter. */
export type DeadLetterCode = (typeof DEAD_LETTER_CODES)[number]

/** Why a partition stands still until an operator acts. */
export type StopCode = (typeof STOP_CODES)[number]

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

/** What a record says, beside the record that it came from. */
export interface ValidRecord {
  readonly record: SourceRecord
  readonly row: Row
  /** Who wrote it, where its envelope says so. */
  readonly writer?: string
}

/** A record that is no row, and with which nothing is wrong. */
export interface Skipped {
  readonly record: SourceRecord
  /** Why, in a few words. */
  readonly skip: string
}

/** A record that an operator must have looked at before what comes behind it is loaded. */
export interface Stopping {
  readonly record: SourceRecord
  readonly stop: StopCode
  readonly reason: string
}
