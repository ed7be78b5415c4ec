import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { openLogReader, type LogReader } from '../kafka/log-reader.ts'
import { openMembership, type Membership } from '../kafka/membership.ts'
import type { RecordProducer } from '../kafka/producer.ts'
import { topicSettings, waitForTopic, withAdmin } from '../kafka/topics.ts'
import { createPool } from '../postgres/pool.ts'
import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'

export type WorkerConfig = Config<'kafka' | 'database' | 'etl' | 'console' | 'alerts' | 'housekeeping'>

/** All that a worker's runs reach the world through. */
export interface Connections {
  readonly pool: Pool
  readonly reader: LogReader
  readonly producer: RecordProducer
  readonly membership: Membership
}

/** What goes on beside the drains has connections of its own: a backlog never keeps the switch from being seen. */
const OPERATIONS_LIMITS = { connections: 4 }
/** Pages take few connections and end soon, so that nobody who looks can keep the job from working. */
const CONSOLE_LIMITS = { connections: 3, statementTimeoutMs: 10_000 }

/** Connections to the warehouse; none is open before it is used. */
export interface Pools {
  readonly load: Pool
  readonly operations: Pool
  readonly console: Pool
}

export function createPools(config: Config<'database'>, logger: Logger): Pools {
  return {
    load: createPool(config, 'pulse_loader', logger),
    operations: createPool(config, 'pulse_loader', logger, OPERATIONS_LIMITS),
    console: createPool(config, 'pulse_loader', logger, CONSOLE_LIMITS),
  }
}

/** Waits for the topics, however long that takes, and says what of them is not as it should be. */
export async function waitForTopics(
  kafka: Kafka,
  { KAFKA_TOPIC, KAFKA_DLQ_TOPIC }: WorkerConfig,
  logger: Logger,
  signal: AbortSignal,
  onMissing: () => void,
): Promise<void> {
  for (const topic of [KAFKA_TOPIC, KAFKA_DLQ_TOPIC])
    await waitForTopic(kafka, topic, logger, signal, onMissing)
  const settings = await withAdmin(kafka, (admin) => topicSettings(admin, KAFKA_TOPIC))
  if (settings['message.timestamp.type'] === 'CreateTime') {
    logger.warn(
      { topic: KAFKA_TOPIC },
      'the topic keeps the producers’ timestamps: set message.timestamp.type=LogAppendTime',
    )
  }
}

/**
 * @param owner this warehouse, as it is to stand in the metadata of the group's offsets.
 * @param onCrash called once, when the group consumer has ended for good.
 */
export async function connect(
  kafka: Kafka,
  pool: Pool,
  producer: RecordProducer,
  config: WorkerConfig,
  { owner, logger, onCrash }: { owner: string; logger: Logger; onCrash: (error: Error) => void },
): Promise<Connections> {
  return {
    pool,
    reader: await openLogReader(kafka, config.KAFKA_TOPIC),
    producer,
    membership: await openMembership(kafka, {
      topic: config.KAFKA_TOPIC,
      groupId: config.KAFKA_GROUP_ID,
      sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
      owner,
      logger,
      onCrash,
    }),
  }
}
