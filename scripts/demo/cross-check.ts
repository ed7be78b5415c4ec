import { type DeadLetterCode } from '../../etl/stream/types.ts'
import { DEAD_LETTER_CODES } from '../../etl/schema/audit.ts'
import { INVALID_KINDS } from '../../producer/invalid.ts'
import type { MessageKind } from '../../producer/stream.ts'
import type { LogLine } from './log-line.ts'
import type { Summary } from './summary.ts'

/** What the producer says at its end. */
export interface Sent {
  readonly total: number
  readonly sent: Readonly<Record<MessageKind, number>>
  /** Of the invalid ones: how many break which rule. */
  readonly invalidKinds: Readonly<Record<string, number>>
  /** Handed over and not acknowledged: each may be in the topic or not. */
  readonly inDoubt: number
}

/** Of a producer that was stopped before it began. */
export const NOTHING_SENT: Sent = {
  total: 0,
  sent: { valid: 0, duplicate: 0, conflicting: 0, invalid: 0 },
  invalidKinds: {},
  inDoubt: 0,
}

/** @throws TypeError if this is not the producer's last line. */
export function readSent({ fields, msg }: LogLine): Sent {
  const { total, sent, invalidKinds, inDoubt } = fields as Partial<Sent>
  if (total === undefined || sent === undefined || invalidKinds === undefined || inDoubt === undefined)
    throw new TypeError(`The producer's last line does not say what it sent: ${msg}`)
  return { total, sent, invalidKinds, inDoubt }
}

/** One kind of record: how many were sent, and how many of what they must become are there. */
export interface Comparison {
  readonly kind: string
  readonly becomes: string
  readonly sent: number
  readonly found: number
}

/** Holds what the producer says that it sent against what the warehouse has, kind by kind. */
export function compare(sent: Sent, summary: Summary): Comparison[] {
  const expected = new Map<DeadLetterCode, number>([['conflicting_duplicate', sent.sent.conflicting]])
  for (const { kind, expectedCode } of INVALID_KINDS) {
    const count = sent.invalidKinds[kind] ?? 0
    if (count > 0) expected.set(expectedCode, (expected.get(expectedCode) ?? 0) + count)
  }
  const found = new Map(summary.rejected.map(({ code, count }) => [code, count]))
  const rejected = DEAD_LETTER_CODES.filter((code) => found.has(code) || (expected.get(code) ?? 0) > 0)
  return [
    { kind: 'valid', becomes: 'loaded', sent: sent.sent.valid, found: summary.transactions },
    { kind: 'repeated', becomes: 'duplicate', sent: sent.sent.duplicate, found: summary.duplicates },
    ...rejected.map((code) => ({
      kind: code === 'conflicting_duplicate' ? 'repeated with another amount' : 'broken',
      becomes: code,
      sent: expected.get(code) ?? 0,
      found: found.get(code) ?? 0,
    })),
    { kind: 'all', becomes: 'consumed', sent: sent.total, found: summary.consumed },
  ]
}

/** Whether all agrees; records in doubt may be there or not. */
export function agrees(comparisons: readonly Comparison[], inDoubt: number): boolean {
  return comparisons.every(({ sent, found }) => found >= sent && found <= sent + inDoubt)
}
