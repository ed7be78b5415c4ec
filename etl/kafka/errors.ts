import kafkajs from 'kafkajs'
import { tlsProblem } from '../process/tls.ts'
import { messageOf } from '../text/message-of.ts'

/** Kafka, or TLS before it, turned this program away: waiting would not help, a setting or a right must change. */
export class KafkaRefused extends Error {
  override readonly name = 'KafkaRefused'
}

/** Kafka gave no answer that tells an outage from a refusal. It may go by. */
export class KafkaUnclear extends Error {
  override readonly name = 'KafkaUnclear'
}

const LOGIN = 'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'

/** kafkajs' name of the broker's answer, and what the ACL is on. */
const RESOURCES: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'a topic',
  GROUP_AUTHORIZATION_FAILED: 'a consumer group',
  CLUSTER_AUTHORIZATION_FAILED: 'the cluster',
}

/**
 * The error itself, or in place of a refusal one that names the variable or the ACL that would help.
 *
 * @param needed the ACL that this was done with, such as `Read on topic transactions`.
 */
export function asRefusal(error: unknown, needed?: string): unknown {
  if (error instanceof KafkaRefused || error instanceof KafkaUnclear) return error
  for (const behind of chain(error)) {
    const sentence = sentenceOf(behind, needed)
    if (sentence !== undefined) return new KafkaRefused(sentence, { cause: error })
    if (isClosed(behind)) return new KafkaUnclear(CLOSED, { cause: error })
    // kafkajs drops the reason.
    if (behind.name === 'KafkaJSGroupCoordinatorNotFound')
      return new KafkaUnclear(NO_COORDINATOR, { cause: error })
  }
  return error
}

/** Does what needs an ACL, such as `Read on topic transactions`. @throws KafkaRefused that names it, and what work throws. */
export async function withRight<T>(needed: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asRefusal(error, needed)
  }
}

/** What kafkajs wraps its errors in, and what is behind it. */
function* chain(error: unknown): Generator<Error> {
  if (!(error instanceof Error)) return
  yield error
  for (const cause of error instanceof kafkajs.KafkaJSAggregateError ? error.errors : [error.cause])
    yield* chain(cause)
}

const CLOSED =
  'the broker closed the connection without an answer: it is going down, or this port wants TLS (KAFKA_SSL=true), none, or a login (KAFKA_SASL_*)'

const NO_COORDINATOR =
  'no broker names the coordinator of the consumer group: Kafka is starting, or the user of KAFKA_SASL_USERNAME needs the ACL Read on group KAFKA_GROUP_ID'

/** Node has no code of its own for a server that ends the connection in place of the handshake. */
const isClosed = (error: Error): boolean =>
  error.name === 'KafkaJSConnectionClosedError' ||
  (error instanceof kafkajs.KafkaJSConnectionError && error.message.includes('before secure TLS connection'))

function sentenceOf(error: Error, needed: string | undefined): string | undefined {
  const problem = tlsProblem(error, {
    ca: 'KAFKA_SSL_CA or KAFKA_SSL_CA_FILE',
    address: 'KAFKA_BROKERS, and what the broker advertises',
    own: 'KAFKA_SSL_CERT and KAFKA_SSL_KEY',
  })
  if (problem !== undefined) {
    const broker = error instanceof kafkajs.KafkaJSConnectionError ? ` ${error.broker}` : ''
    return `no TLS connection to the broker${broker}: ${problem}`
  }
  if (error instanceof kafkajs.KafkaJSSASLAuthenticationError)
    return `Kafka refused the login (${error.message}): see ${LOGIN}`
  if (!(error instanceof kafkajs.KafkaJSProtocolError)) return undefined
  if (error.type === 'UNSUPPORTED_SASL_MECHANISM')
    return `Kafka knows no login by this KAFKA_SASL_MECHANISM on this port (${error.message})`
  const resource = RESOURCES[error.type]
  if (resource === undefined) return undefined
  return `Kafka denies access to ${resource} (${error.type}): give the user of KAFKA_SASL_USERNAME the ACL ${needed ?? 'that docs/CONFIGURATION.md lists'}`
}

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
