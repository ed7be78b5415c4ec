import kafkajs, { type Kafka, type KafkaConfig, type logLevel, type SASLOptions } from 'kafkajs'
import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'
import { patchKafkajs } from './internals.ts'

export type { Kafka } from 'kafkajs'

/**
 * A Kafka client for the brokers of the configuration. Nothing is connected yet, and none of its
 * parts creates a topic by accident.
 *
 * @param clientId names this program in the broker's logs and quotas.
 */
export function createKafka(config: Config<'kafka'>, logger: Logger, clientId: string): Kafka {
  patchKafkajs()
  const sasl = saslOptions(config)
  const options: KafkaConfig = {
    clientId,
    brokers: config.KAFKA_BROKERS,
    ssl: config.KAFKA_SSL,
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 5 },
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => toPino(logger),
  }
  return new kafkajs.Kafka(sasl === undefined ? options : { ...options, sasl })
}

function saslOptions(config: Config<'kafka'>): SASLOptions | undefined {
  const {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
  } = config
  if (mechanism === undefined || username === undefined || password === undefined) return undefined
  return { mechanism, username, password }
}

/**
 * kafkajs' lines become debug lines, its errors warnings: it retries what it reports, and what is lost
 * for good reaches us as an exception, which is reported where it is handled.
 */
function toPino(logger: Logger) {
  return (entry: {
    level: logLevel
    namespace: string
    log: { message: string; [key: string]: unknown }
  }) => {
    const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...rest } = entry.log
    void [_timestamp, _logger, _stack]
    const fields = { kafka: entry.namespace, ...rest }
    if (entry.level === kafkajs.logLevel.ERROR || entry.level === kafkajs.logLevel.WARN)
      logger.warn(fields, message)
    else logger.debug(fields, message)
  }
}

/** Whether Kafka was out of reach, or in the middle of an election: what may go by. */
export function isKafkaOutage(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (
      e instanceof kafkajs.KafkaJSError &&
      (e.retriable || e instanceof kafkajs.KafkaJSNumberOfRetriesExceeded)
    )
      return true
  }
  return false
}
