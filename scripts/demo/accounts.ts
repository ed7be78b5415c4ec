import { DEAD_LETTER_CODES } from '../../etl/schema/audit.ts'
import type { DeadLetterCode } from '../../etl/stream/types.ts'
import { compile, theOnly } from '../../etl/stream/compile.ts'
import { streams } from '../../streams/index.ts'
import { INVALID_KINDS } from '../../producer/invalid.ts'
import type { MessageKind } from '../../producer/stream.ts'
import { reconcile, renderReconciliation } from '../../etl/reconcile/reconcile.ts'
import { table, thousands, wrapped, type LogLine } from './screen.ts'
import { readSummary, renderSummary, type Summary } from './summary.ts'
import type { Workplace } from './workplace.ts'

/** How the producer and the ETL have ended. */
export interface Ending {
  readonly sent: Sent
  /** All that was sent is loaded. */
  readonly drained: boolean
}

/**
 * Shows what became of everything, and proves it: the warehouse against what the producer says that it
 * sent, then the reconciliation, which reads the topic again and asks nobody.
 *
 * @returns whether it balances.
 */
export async function giveAccounts(
  { pool, kafka, names }: Workplace,
  { sent, drained }: Ending,
  say: (text: string) => void,
): Promise<boolean> {
  const summary = await readSummary(pool)
  say(`\n${renderSummary(summary)}`)
  const comparisons = compare(sent, summary)
  say(`\n${renderComparison(comparisons, sent.inDoubt)}`)
  const report = await reconcile({
    pool,
    stream: compile(theOnly(streams)),
    kafka,
    topic: names.topic,
    deep: true,
  })
  say(`\n${dense(renderReconciliation(report))}`)

  const problems = [
    ...(drained ? [] : ['not everything was loaded']),
    ...(agrees(comparisons, sent.inDoubt) ? [] : ['the warehouse does not have what was sent']),
    ...(report.balanced ? [] : ['the reconciliation found something']),
  ]
  if (problems.length > 0) say(`\nNOT balanced: ${problems.join(', and ')}.`)
  return problems.length === 0
}

/** Without its empty lines, and no wider than the rest. */
function dense(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => wrapped(line, '   ')).join('\n')
}

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
interface Comparison {
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

function renderComparison(comparisons: readonly Comparison[], inDoubt: number): string {
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
