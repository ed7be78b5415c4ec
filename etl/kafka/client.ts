import kafkajs, { type Kafka, type KafkaConfig, type logLevel, type SASLOptions } from 'kafkajs'
import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import { patchKafkajs } from './internals.ts'

export type { Admin, Kafka } from 'kafkajs'

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
    ssl: config.KAFKA_SSL && tlsOptions(config),
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 5 },
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => toPino(logger),
  }
  return new kafkajs.Kafka(sasl === undefined ? options : { ...options, sasl })
}

/** Node checks the certificate and the name in it, against Node's own list of CAs where none is given. */
function tlsOptions({ KAFKA_SSL_CA: ca, KAFKA_SSL_CERT: cert, KAFKA_SSL_KEY: key }: Config<'kafka'>) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  }
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

/** While Kafka is away kafkajs reports every attempt, several a second. */
const SAY_AGAIN_AFTER_MS = 30_000
/** More different lines than that are forgotten, and said again. */
const LINES_REMEMBERED = 100

/**
 * kafkajs' lines become debug lines, its errors warnings: it retries what it reports, and what is lost
 * for good reaches us as an exception, which is reported where it is handled. What it repeats, but for
 * numbers, is a warning only every half a minute.
 */
function toPino(logger: Logger) {
  const saidAt = new Map<string, number>()
  const isNews = (line: string): boolean => {
    const now = performance.now()
    if (now - (saidAt.get(line) ?? -Infinity) < SAY_AGAIN_AFTER_MS) return false
    if (saidAt.size === LINES_REMEMBERED) saidAt.clear()
    saidAt.set(line, now)
    return true
  }
  return (entry: {
    level: logLevel
    namespace: string
    log: { message: string; [key: string]: unknown }
  }) => {
    const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...rest } = entry.log
    void [_timestamp, _logger, _stack]
    const fields = { kafka: entry.namespace, ...rest }
    const isTrouble = entry.level === kafkajs.logLevel.ERROR || entry.level === kafkajs.logLevel.WARN
    if (isTrouble && isNews(`${entry.namespace} ${message.replaceAll(/\d+/g, '#')}`))
      logger.warn(fields, message)
    else logger.debug(fields, message)
  }
}
