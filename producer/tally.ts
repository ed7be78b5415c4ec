import { MESSAGE_KINDS, type Message, type MessageKind } from './stream.ts'

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
