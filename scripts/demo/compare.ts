import { DEAD_LETTER_CODES } from '../../etl/schema/audit.ts'
import type { DeadLetterCode, Issue } from '../../etl/stream/types.ts'
import type { InvalidKind } from '../../producer/invalid.ts'
import type { StreamTally } from '../../producer/tally.ts'
import { table, thousands, type LogLine } from './screen.ts'

/** What the producer says at its end. */
export interface Sent {
  readonly total: number
  readonly streams: Readonly<Record<string, StreamTally>>
}

/** Of a producer that was stopped before it began. */
export const NOTHING_SENT: Sent = { total: 0, streams: {} }

/** @throws TypeError if this is not the producer's last line. */
export function readSent({ fields, msg }: LogLine): Sent {
  const { total, streams } = fields as Partial<Sent>
  if (total === undefined || streams === undefined)
    throw new TypeError(`The producer's last line does not say what it sent: ${msg}`)
  return { total, streams }
}

/** What the warehouse has of a stream. */
export interface Found {
  readonly consumed: number
  readonly loaded: number
  readonly duplicates: number
  /** The most frequent code first. */
  readonly rejected: readonly { code: DeadLetterCode; count: number; example: Issue | null }[]
}

/** One kind of record: how many were sent, and how many of what they must become are there. */
interface Comparison {
  readonly kind: string
  readonly becomes: string
  readonly sent: number
  readonly found: number
}

/**
 * Holds what the producer says that it sent of a stream against what the warehouse has, kind by kind.
 *
 * @param kinds the ways in which its records can be broken.
 */
export function compare(sent: StreamTally, all: Found, kinds: readonly InvalidKind[]): Comparison[] {
  const expected = new Map<DeadLetterCode, number>([['conflicting_duplicate', sent.sent.conflicting]])
  for (const { kind, expectedCode } of kinds) {
    const count = sent.invalidKinds[kind] ?? 0
    if (count > 0) expected.set(expectedCode, (expected.get(expectedCode) ?? 0) + count)
  }
  const found = new Map(all.rejected.map(({ code, count }) => [code, count]))
  const rejected = DEAD_LETTER_CODES.filter((code) => found.has(code) || (expected.get(code) ?? 0) > 0)
  return [
    { kind: 'valid', becomes: 'loaded', sent: sent.sent.valid, found: all.loaded },
    { kind: 'repeated', becomes: 'duplicate', sent: sent.sent.duplicate, found: all.duplicates },
    ...rejected.map((code) => ({
      kind: code === 'conflicting_duplicate' ? 'repeated with another amount' : 'broken',
      becomes: code,
      sent: expected.get(code) ?? 0,
      found: found.get(code) ?? 0,
    })),
    { kind: 'all', becomes: 'consumed', sent: sent.total, found: all.consumed },
  ]
}

/** Whether all agrees; records in doubt may be there or not. */
export function agrees(comparisons: readonly Comparison[], inDoubt: number): boolean {
  return comparisons.every(({ sent, found }) => found >= sent && found <= sent + inDoubt)
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
