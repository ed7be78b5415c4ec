import { excerpt } from '../text/excerpt.ts'

const DAY_MS = 86_400_000

/**
 * Whether a transaction's time lies where the contract allows it: at most 24 hours after and
 * `maxAgeDays` days (of 24 hours) before Kafka's own time of the record, both ends included.
 *
 * Measured against Kafka's time and not the clock, so that a rebuild from the topic decides as the
 * first run did. A time that is no safe integer of microseconds (before 1684, after 2255) is never
 * within.
 *
 * @param micros microseconds since the epoch
 * @param kafkaMs milliseconds since the epoch; −1, Kafka's "none", leaves only times around 1970
 */
export function isWithinAge(micros: number, kafkaMs: number, maxAgeDays: number): boolean {
  return (
    Number.isSafeInteger(micros) &&
    micros <= (kafkaMs + DAY_MS) * 1_000 &&
    micros >= (kafkaMs - maxAgeDays * DAY_MS) * 1_000
  )
}

/** The days of `90 days`; undefined where it is no such text. */
export function daysOf(text: string): number | undefined {
  const match = /^([1-9]\d{0,5}) days?$/.exec(text)
  return match === null ? undefined : Number(match[1])
}

/** What is wrong with the time of a transaction that is not within. */
export function ageProblem(field: string, value: unknown, kafkaMs: number, maxAgeDays: number): string {
  const range = `at most 24 hours after and ${maxAgeDays} days before Kafka stored the record`
  return `${field} is ${excerpt(value)}; it must be ${range}, ${instant(kafkaMs)}`
}

/** A producer may set any 64-bit time where the topic lets it, and Date takes less than that. */
function instant(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `at ${ms} ms since 1970` : date.toISOString()
}
