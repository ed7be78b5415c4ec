import type { Stream } from '../stream/compile.ts'
import { toDecimal } from '../stream/money.ts'
import { measureColumns } from '../stream/rollup.ts'
import type { Compared, Comparison } from './compare.ts'

export interface BeforeAfter<T> {
  readonly before: T
  readonly after: T
}

/** A count, or by the value of a field the sums of money as decimals and of whole numbers as such. */
export type Measured = BeforeAfter<Sum> | Readonly<Record<string, BeforeAfter<Sum>>>
type Sum = number | string

/** A fact that changed: the fields of its identity, and what is derived of it. */
export interface Sample extends BeforeAfter<Readonly<Record<string, unknown>>> {
  readonly [field: string]: unknown
}

/**
 * What a replay has found so far; of a dry run, what it would change. Each record read is one of `notValid`,
 * `withoutFact`, `otherValues`, `forgotten` and `facts`. Besides these it has what the stream's `replayFigures` measure of all
 * facts found, by name: see `measuredOf`.
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
  /** Facts that were forgotten: left as they are. Not there of a replay that an earlier version did. */
  readonly forgotten?: number
  readonly facts: number
  /** Of the facts, those that are (or would be) other than before. */
  readonly changed: number
  /** The first that changed. */
  readonly samples: readonly Sample[]
}

export const NO_FIGURES: ReplayFigures = {
  offsets: 0,
  gone: 0,
  records: 0,
  notValid: 0,
  withoutFact: 0,
  otherValues: 0,
  forgotten: 0,
  facts: 0,
  changed: 0,
  samples: [],
}

/** What was measured, by name: each with the values that it is by, '' where it is by none. */
export function measuredOf(figures: ReplayFigures): [name: string, of: string, BeforeAfter<Sum>][] {
  // What comes from the warehouse has lost the order of its names.
  const byName = Object.entries(figures).sort(([a], [b]) => (a < b ? -1 : 1))
  return byName.flatMap(([name, measured]) => {
    if (name in NO_FIGURES) return []
    if ('before' in (measured as Measured)) return [[name, '', measured as BeforeAfter<Sum>]]
    return Object.entries(measured as Record<string, BeforeAfter<Sum>>).map(
      ([of, sums]) => [name, of, sums] as [string, string, BeforeAfter<Sum>],
    )
  })
}

const SAMPLES = 5

/** The figures with those of a further part of the log. */
export function addPart(
  stream: Stream,
  so: ReplayFigures,
  part: {
    readonly offsets: number
    readonly records: number
    readonly notValid: number
    readonly compared: Compared
    /** The field that is filled, in place of what is derived. */
    readonly fill?: string | undefined
  },
): ReplayFigures {
  const { same, changed, otherValues, forgotten } = part.compared
  const found = [...same, ...changed]
  const samples = changed.slice(0, SAMPLES - so.samples.length).map((one) => sampleOf(stream, one, part.fill))
  return {
    ...so,
    ...measure(stream, so, found),
    offsets: so.offsets + part.offsets,
    records: so.records + part.records,
    notValid: so.notValid + part.notValid,
    withoutFact: so.withoutFact + part.records - part.notValid - otherValues - forgotten - found.length,
    otherValues: so.otherValues + otherValues,
    forgotten: (so.forgotten ?? 0) + forgotten,
    facts: so.facts + found.length,
    changed: so.changed + changed.length,
    samples: [...so.samples, ...samples],
  }
}

/** The figures with offsets that Kafka no longer holds. */
export function addGone(so: ReplayFigures, offsets: number): ReplayFigures {
  return { ...so, offsets: so.offsets + offsets, gone: so.gone + offsets }
}

function measure(
  { definition }: Stream,
  so: ReplayFigures,
  found: readonly Comparison[],
): Record<string, Measured> {
  const figures = definition.replayFigures ?? {}
  const isPersonal = (field: string) => definition.fields[field]?.options.personal === true
  return Object.fromEntries(
    measureColumns(definition, figures).map(({ name, decimals, of }) => {
      const { by } = figures[name]!
      const sums = new Map<string, BeforeAfter<bigint>>(by === undefined ? [['', NOTHING]] : [])
      for (const [figure, value, { before, after }] of measuredOf(so))
        if (figure === name) sums.set(value, { before: toInteger(before), after: toInteger(after) })
      for (const { stored, fact } of found) {
        const value = by === undefined ? '' : isPersonal(by) ? PERSONAL : String(fact.row[by])
        const sum = sums.get(value) ?? NOTHING
        sums.set(value, {
          before: sum.before + BigInt(of(stored.row)),
          after: sum.after + BigInt(of(fact.row)),
        })
      }
      const show = decimals === undefined ? Number : (sum: bigint) => toDecimal(sum, decimals)
      const shown = [...sums]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([value, { before, after }]) => [value, { before: show(before), after: show(after) }] as const)
      return [name, by === undefined ? shown[0]![1] : Object.fromEntries(shown)]
    }),
  )
}

const NOTHING = { before: 0n, after: 0n }

/** Of a count, or a decimal that toDecimal wrote, of the same number of decimals. */
const toInteger = (sum: Sum): bigint => BigInt(String(sum).replace('.', ''))

/** What stands in the place of a personal value: figures are kept with the action, and anybody may see that. */
const PERSONAL = '(personal)'

function sampleOf(
  { definition, derived, identity }: Stream,
  { fact, stored }: Comparison,
  fill: string | undefined,
): Sample {
  const all = { ...definition.fields, ...definition.derived }
  const shows = fill === undefined ? derived : [{ field: fill, kind: all[fill]!.kind }]
  const ofRow = ({ row }: Comparison['fact']) =>
    Object.fromEntries(
      shows.map(({ field, kind }) => {
        const value = row[field]
        if (value === null) return [field, null]
        if (all[field]!.options.personal === true) return [field, PERSONAL]
        const isMoney = kind.name === 'money' || kind.name === 'moneyOf'
        return [field, isMoney || fill !== undefined ? kind.show(value as object) : value]
      }),
    )
  return {
    ...Object.fromEntries(identity.fields.map((field) => [field, fact.row[field]])),
    before: ofRow(stored),
    after: ofRow(fact),
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** A sample in a line: what it is of, and where before and after differ. */
export function sampleInWords({ before, after, ...of }: Sample): { of: string; change: string } {
  const changes = Object.keys(after)
    .filter((field) => shown(before[field]) !== shown(after[field]))
    .map((field) => `${field} ${shown(before[field])} → ${shown(after[field])}`)
  return { of: Object.values(of).map(String).join(', '), change: changes.join(', ') }
}
