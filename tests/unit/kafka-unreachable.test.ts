import { expect, test } from 'vitest'
import { KafkaRefused, asUnreachable, isKafkaOutage, KafkaUnreachable } from '../../etl/kafka/errors.ts'

/** As kafkajs names it, with what is behind it. */
const kafkajs = (name: string, message: string, cause?: Error) =>
  Object.assign(new Error(message, { cause }), { name: `KafkaJS${name}` })
const retriesExceeded = (cause: Error) => kafkajs('NumberOfRetriesExceeded', cause.message, cause)
const lost = kafkajs('ConnectionError', 'Connection timeout')

test.for<[string, Error, string]>([
  ['a connection that can’t be had', lost, 'Connection timeout'],
  ['one behind kafkajs’ retries', retriesExceeded(lost), 'Connection timeout'],
  ['kafkajs’ plain Error', new Error('Broker not connected'), 'no broker is connected'],
  ['the same, retried', retriesExceeded(new Error('Broker not connected')), 'no broker is connected'],
])('%s says that Kafka is unreachable', ([, error, reason]) => {
  const named = asUnreachable(error)
  expect(named).toBeInstanceOf(KafkaUnreachable)
  expect(named).toMatchObject({ message: `Kafka unreachable: ${reason}`, cause: error, retriable: true })
  expect(isKafkaOutage(named)).toBe(true)
  expect(asUnreachable(named)).toBe(named)
})

test.for<[string, unknown]>([
  ['a broker’s answer', kafkajs('ProtocolError', 'no such topic')],
  ['a refusal, whatever is behind it', new KafkaRefused('wrong password', { cause: lost })],
  ['what is not Kafka’s', new TypeError('x is not a function')],
  ['what is no error', 'text'],
])('%s stays what it is', ([, error]) => {
  expect(asUnreachable(error)).toBe(error)
})
