import { MESSAGE_KINDS, type Message, type MessageKind } from './messages.ts'

/** What was sent of a stream. */
export interface StreamTally {
  /** Records that Kafka acknowledged, by kind. */
  sent: Record<MessageKind, number>
  total: number
  /** Of the invalid ones: how many break which rule. */
  invalidKinds: Record<string, number>
  /** Records handed to Kafka and not acknowledged: they may be in the topic or not. */
  inDoubt: number
}

/** What was sent so far. Readable at any time, also while a send hangs. */
export interface Tally {
  readonly streams: Readonly<Record<string, Readonly<StreamTally>>>
  /** Steps whose records are all acknowledged: of one stream as many as records. */
  readonly steps: number
}

export interface OpenTally extends Tally {
  handedOver(records: readonly Message[]): void
  /** @param steps that they were. */
  acknowledged(records: readonly Message[], steps: number): void
}

const NOTHING = (): Record<MessageKind, number> =>
  Object.fromEntries(MESSAGE_KINDS.map((kind) => [kind, 0])) as Record<MessageKind, number>

/** @param streams the names of those whose records are sent. */
export function openTally(streams: readonly string[]): OpenTally {
  const tallies: Record<string, StreamTally> = Object.fromEntries(
    streams.map((name) => [name, { sent: NOTHING(), total: 0, invalidKinds: {}, inDoubt: 0 }]),
  )
  let done = 0
  return {
    streams: tallies,
    get steps() {
      return done
    },
    handedOver: (records) => {
      for (const { stream } of records) tallies[stream]!.inDoubt++
    },
    acknowledged: (records, steps) => {
      done += steps
      for (const { stream, kind, detail } of records) {
        const tally = tallies[stream]!
        tally.inDoubt--
        tally.total++
        tally.sent[kind]++
        if (kind === 'invalid') tally.invalidKinds[detail] = (tally.invalidKinds[detail] ?? 0) + 1
      }
    },
  }
}

/** Of all streams together. */
export function totalOf({
  streams,
}: Pick<Tally, 'streams'>): Pick<StreamTally, 'sent' | 'total' | 'inDoubt'> {
  const sent = NOTHING()
  let [total, inDoubt] = [0, 0]
  for (const one of Object.values(streams)) {
    for (const kind of MESSAGE_KINDS) sent[kind] += one.sent[kind]
    total += one.total
    inDoubt += one.inDoubt
  }
  return { sent, total, inDoubt }
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
  const { sent, total, inDoubt } = totalOf(tally)
  const names = Object.keys(tally.streams)
  const seconds = elapsedMs / 1_000
  const rate = seconds > 0 ? tally.steps / seconds : 0
  // In less than a second, or of a few records, a rate says nothing.
  const missed = askedRate !== undefined && seconds >= 1 && (tally.steps + 1) / seconds < askedRate * REACHED
  const byKind = MESSAGE_KINDS.map((kind) => `${sent[kind]} ${kind}`).join(', ')
  const of = names.length === 1 ? '' : ` of ${names.length} streams`
  const sentences = [
    `sent ${total} records${of} in ${seconds.toFixed(1)} s: ${byKind}`,
    ...(missed ? [`${rate < 10 ? rounded(rate) : Math.round(rate)}/s instead of ${askedRate}/s`] : []),
    ...(inDoubt > 0
      ? [`${inDoubt} more were handed over and not acknowledged, they may be in the topic or not`]
      : []),
  ]
  return {
    message: sentences.join('; '),
    fields: {
      total,
      sent,
      inDoubt,
      streams: structuredClone(tally.streams),
      seconds: rounded(seconds),
      rate: rounded(rate),
      ...(askedRate === undefined ? {} : { askedRate, rateReached: !missed }),
    },
    warning: missed || inDoubt > 0,
  }
}

const rounded = (n: number): number => Math.round(n * 1_000) / 1_000
