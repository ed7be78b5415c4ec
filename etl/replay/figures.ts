import { centsToDecimal } from '../stream/money.ts'
import type { Fact } from '../stream/types.ts'
import type { Comparison, compare } from './derivations.ts'

/** What of a fact a replay may change; money as a decimal. */
export interface Derived {
  readonly tax: string
  readonly flagged: boolean
  readonly score: number
  readonly reasons: readonly string[]
}

export interface BeforeAfter<T> {
  readonly before: T
  readonly after: T
}

/**
 * What a replay has found so far; of a dry run, what it would change. Each record read is one of `notValid`,
 * `withoutFact`, `otherValues` and `facts`.
 */
export interface ReplayFigures {
  /** Offsets gone through; not each is a record. */
  readonly offsets: number
  /** Of these, those that Kafka no longer held when it came to them. */
  readonly gone: number
  readonly records: number
  /** Records that today's contract refuses: dead letters, as a rule. What became of them stays. */
  readonly notValid: number
  /** Valid records that no fact came from: duplicates, conflicts, facts that were dropped for their age. */
  readonly withoutFact: number
  /** Facts that the current code would read with other contract values: left as they are. */
  readonly otherValues: number
  readonly facts: number
  /** Of the facts, those that are (or would be) other than before. */
  readonly changed: number
  readonly flagged: BeforeAfter<number>
  /** By currency, of all facts found. */
  readonly tax: Readonly<Record<string, BeforeAfter<string>>>
  /** The first that changed. */
  readonly samples: readonly ({ readonly orderId: string } & BeforeAfter<Derived>)[]
}

export const NO_FIGURES: ReplayFigures = {
  offsets: 0,
  gone: 0,
  records: 0,
  notValid: 0,
  withoutFact: 0,
  otherValues: 0,
  facts: 0,
  changed: 0,
  flagged: { before: 0, after: 0 },
  tax: {},
  samples: [],
}

const SAMPLES = 5

/** The figures with those of a further part of the log. */
export function addPart(
  so: ReplayFigures,
  part: {
    readonly offsets: number
    readonly records: number
    readonly notValid: number
    readonly compared: ReturnType<typeof compare>
  },
): ReplayFigures {
  const { same, changed, otherValues } = part.compared
  const found = [...same, ...changed]
  const flagged = (of: keyof Comparison) => found.filter((one) => one[of].isFraudFlagged).length
  return {
    ...so,
    offsets: so.offsets + part.offsets,
    records: so.records + part.records,
    notValid: so.notValid + part.notValid,
    withoutFact: so.withoutFact + part.records - part.notValid - otherValues - found.length,
    otherValues: so.otherValues + otherValues,
    facts: so.facts + found.length,
    changed: so.changed + changed.length,
    flagged: { before: so.flagged.before + flagged('stored'), after: so.flagged.after + flagged('fact') },
    tax: addTax(so.tax, found),
    samples: [...so.samples, ...changed.slice(0, SAMPLES - so.samples.length).map(sampleOf)],
  }
}

/** The figures with offsets that Kafka no longer holds. */
export function addGone(so: ReplayFigures, offsets: number): ReplayFigures {
  return { ...so, offsets: so.offsets + offsets, gone: so.gone + offsets }
}

function addTax(tax: ReplayFigures['tax'], found: readonly Comparison[]): ReplayFigures['tax'] {
  const sums = new Map(
    Object.entries(tax).map(([currency, { before, after }]) => [
      currency,
      { before: toCents(before), after: toCents(after) },
    ]),
  )
  for (const { stored, fact } of found) {
    const sum = sums.get(fact.currency) ?? { before: 0n, after: 0n }
    sums.set(fact.currency, {
      before: sum.before + BigInt(stored.taxCents),
      after: sum.after + BigInt(fact.taxCents),
    })
  }
  return Object.fromEntries(
    [...sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, { before, after }]) => [
        currency,
        { before: centsToDecimal(before), after: centsToDecimal(after) },
      ]),
  )
}

/** Of a decimal that centsToDecimal wrote. */
const toCents = (decimal: string): bigint => BigInt(decimal.replace('.', ''))

function sampleOf({ fact, stored }: Comparison): ReplayFigures['samples'][number] {
  return { orderId: fact.orderId, before: derivedOf(stored), after: derivedOf(fact) }
}

function derivedOf(fact: Fact): Derived {
  return {
    tax: centsToDecimal(fact.taxCents),
    flagged: fact.isFraudFlagged,
    score: fact.fraudScore,
    reasons: fact.fraudReasons,
  }
}
