import { randomBytes } from 'node:crypto'

/**
 * Settings of the single-node Kafka servers that we start, as processes or in containers. Internal topics
 * are small, so that the first group and the first transaction don't wait for 50 partitions each, and a
 * restarted broker is let in again after 3 s instead of 9.
 */
export const KAFKA_SETTINGS: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'broker.heartbeat.interval.ms': '500',
  'broker.session.timeout.ms': '3000',
  // 128 MB by default, taken from the heap at start.
  'log.cleaner.dedupe.buffer.size': '8388608',
}

export const KAFKA_HEAP = '-Xms256m -Xmx512m'

/** A new one for each start, as for any new cluster: 16 bytes; Kafka takes none that begins with a dash. */
export function clusterId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? clusterId() : id
}
