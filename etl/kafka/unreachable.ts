import { messageOf } from '../text/message-of.ts'
import kafkajs from 'kafkajs'
import { KafkaUnclear, KafkaRefused } from './refusal.ts'

/** Kafka is out of reach or does not answer. It may go by. */
export class KafkaUnreachable extends Error {
  override readonly name = 'KafkaUnreachable'
  readonly retriable = true
  /** Without the words that every such message begins with. */
  readonly reason: string

  constructor(reason: string, options?: ErrorOptions) {
    super(`Kafka unreachable: ${reason}`, options)
    this.reason = reason
  }
}

/** kafkajs' errors that come of a connection and not of an answer. One of them is a plain Error. */
const NAMES =
  /^KafkaJS(Connection(Closed)?Error|RequestTimeoutError|BrokerNotFound|NoBrokerAvailableError|GroupCoordinatorNotFound)$/
const NOT_CONNECTED = 'Broker not connected'

/** The error itself, or, where a connection is behind it, one that says so: kafkajs' words alone name no side. */
export function asUnreachable(error: unknown): unknown {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e instanceof KafkaRefused || e instanceof KafkaUnreachable) return error
    if (e instanceof KafkaUnclear || NAMES.test(e.name))
      return new KafkaUnreachable(e.message, { cause: error })
    if (e.message === NOT_CONNECTED) return new KafkaUnreachable('no broker is connected', { cause: error })
  }
  return error
}

/** What went wrong, for who names Kafka himself. */
export function reasonOf(error: unknown): string {
  if (error instanceof KafkaUnreachable) return error.reason
  return messageOf(error)
}

/** Whether Kafka was out of reach, or in the middle of an election: what may go by. */
export function isKafkaOutage(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (
      e instanceof KafkaUnreachable ||
      (e instanceof kafkajs.KafkaJSError &&
        (e.retriable || e instanceof kafkajs.KafkaJSNumberOfRetriesExceeded))
    )
      return true
  }
  return false
}
