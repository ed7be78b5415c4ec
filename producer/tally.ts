import { MESSAGE_KINDS, type Message, type MessageKind } from './messages.ts'

/** What was sent so far. Readable at any time, also while a send hangs. */
export interface Tally {
  /** Records that Kafka acknowledged, by kind. */
  readonly sent: Readonly<Record<MessageKind, number>>
  readonly total: number
  /** Of the invalid ones: how many break which rule. */
  readonly invalidKinds: Readonly<Record<string, number>>
  /** Records handed to Kafka and not acknowledged: they may be in the topic or not. */
  readonly inDoubt: number
}

export interface OpenTally extends Tally {
  handedOver(records: readonly Message[]): void
  acknowledged(records: readonly Message[]): void
}

export function openTally(): OpenTally {
  const sent = Object.fromEntries(MESSAGE_KINDS.map((kind) => [kind, 0])) as Record<MessageKind, number>
  const invalidKinds: Record<string, number> = {}
  let total = 0
  let inDoubt = 0
  return {
    sent,
    invalidKinds,
    get total() {
      return total
    },
    get inDoubt() {
      return inDoubt
    },
    handedOver: (records) => {
      inDoubt += records.length
    },
    acknowledged: (records) => {
      inDoubt -= records.length
      total += records.length
      for (const { kind, detail } of records) {
        sent[kind]++
        if (kind === 'invalid') invalidKinds[detail] = (invalidKinds[detail] ?? 0) + 1
      }
    },
  }
}

export interface Report {
  /** A sentence for people. */
  readonly message: string
  /** The same for programs. */
  readonly fields: Record<string, unknown>
  /** Something is not as asked for: records in doubt, or the rate was not reached. */
  readonly warning: boolean
}

/** Below this share of PRODUCER_RATE the rate counts as not reached: the last chunk may be cut short. */
const REACHED = 0.95

/**
 * What was sent, by kind.
 *
 * @param elapsedMs from the first record to the last acknowledgement
 * @param askedRate PRODUCER_RATE, per second
 */
export function report(tally: Tally, elapsedMs: number, askedRate?: number): Report {
  const seconds = elapsedMs / 1_000
  const rate = seconds > 0 ? tally.total / seconds : 0
  // In less than a second, or of a few records, a rate says nothing.
  const missed = askedRate !== undefined && seconds >= 1 && (tally.total + 1) / seconds < askedRate * REACHED
  const byKind = MESSAGE_KINDS.map((kind) => `${tally.sent[kind]} ${kind}`).join(', ')
  const sentences = [
    `sent ${tally.total} records in ${seconds.toFixed(1)} s: ${byKind}`,
    ...(missed ? [`${rate < 10 ? rounded(rate) : Math.round(rate)}/s instead of ${askedRate}/s`] : []),
    ...(tally.inDoubt > 0
      ? [`${tally.inDoubt} more were handed over and not acknowledged, they may be in the topic or not`]
      : []),
  ]
  return {
    message: sentences.join('; '),
    fields: {
      total: tally.total,
      sent: { ...tally.sent },
      invalidKinds: { ...tally.invalidKinds },
      inDoubt: tally.inDoubt,
      seconds: rounded(seconds),
      rate: rounded(rate),
      ...(askedRate === undefined ? {} : { askedRate, rateReached: !missed }),
    },
    warning: missed || tally.inDoubt > 0,
  }
}

const rounded = (n: number): number => Math.round(n * 1_000) / 1_000
