import { randomUUID } from 'node:crypto'
import kafkajs, { type Message, type Producer, type Transaction } from 'kafkajs'
import { onTestFinished } from 'vitest'
import { openLogReader } from '../../etl/kafka/log-reader.ts'
import { ensureTopics, withAdmin } from '../../etl/kafka/topics.ts'
import { untilThere, type World } from './world.ts'
import { waitFor } from './wait-for.ts'

/** What only tests do to Kafka; the product's own client can't, and shouldn't. */

/** Records with settings that the product's producer never uses, such as a codec or a time of their own. */
export async function sendRaw(
  world: World,
  messages: readonly Message[],
  options: { readonly gzip?: boolean } = {},
): Promise<void> {
  const producer = producers.get(world) ?? connected(world, {})
  producers.set(world, producer)
  await (
    await producer
  ).send({
    topic: world.topic,
    messages: messages.map((message) => ({ partition: 0, ...message })),
    ...(options.gzip === true && { compression: kafkajs.CompressionTypes.GZIP }),
  })
}

/** One for each world. */
const producers = new WeakMap<World, Promise<Producer>>()

/** A producer with a transactional id of its own; one transaction at a time. */
export async function aTransactionalProducer(world: World): Promise<{ begin(): Promise<OpenTransaction> }> {
  const producer = await connected(world, { transactionalId: randomUUID(), maxInFlightRequests: 1 })
  return { begin: async () => openTransaction(world, await producer.transaction()) }
}

export interface OpenTransaction {
  /** Into partition 0. */
  send(messages: readonly (object | Message)[]): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

function openTransaction(world: World, transaction: Transaction): OpenTransaction {
  return {
    send: async (messages) => {
      await transaction.send({
        topic: world.topic,
        messages: messages.map((message) => ({
          partition: 0,
          ...('value' in message ? message : { key: 'customer-1', value: JSON.stringify(message) }),
        })),
      })
    },
    commit: () => ended(world, () => transaction.commit()),
    abort: () => ended(world, () => transaction.abort()),
  }
}

/** The coordinator answers before the mark is in the partition: waits for that, or what follows overtakes it. */
async function ended(world: World, end: () => Promise<void>): Promise<void> {
  const reader = await openLogReader(world.kafka, world.topic)
  try {
    const highWatermark = async () => (await reader.fetch(0, 0, 1)).bounds.highWatermark
    const before = await highWatermark()
    await end()
    await waitFor('the mark of the transaction', async () => (await highWatermark()) > before)
  } finally {
    await reader.close()
  }
}

async function connected(
  world: World,
  options: { readonly transactionalId?: string; readonly maxInFlightRequests?: number },
): Promise<Producer> {
  const producer = world.kafka.producer({
    ...options,
    idempotent: true,
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  return producer
}

/** Takes everything before this offset from partition 0, as retention does. */
export async function deleteRecordsBefore(world: World, offset: number): Promise<void> {
  await withAdmin(world.kafka, async (admin) => {
    await admin.fetchTopicOffsets(world.topic) // or kafkajs does not know the topic's leaders
    await admin.deleteTopicRecords({
      topic: world.topic,
      partitions: [{ partition: 0, offset: String(offset) }],
    })
  })
}

/** Deletes the topic and makes it again, empty, with the same number of partitions. */
export async function makeTopicAnew(world: World, partitions = 1): Promise<void> {
  await withAdmin(world.kafka, async (admin) => {
    await admin.deleteTopics({ topics: [world.topic] })
    await waitFor('the topic to be gone', async () => !(await admin.listTopics()).includes(world.topic))
  })
  await makeTopic(world, world.topic, partitions)
}

/** Makes a topic as the product does, and waits until the broker knows it. */
export async function makeTopic(world: World, topic: string, partitions = 1): Promise<void> {
  const settings = { 'message.timestamp.type': 'LogAppendTime' }
  await withAdmin(world.kafka, (admin) =>
    ensureTopics(admin, [{ topic, partitions, replication: 1, settings }]),
  )
  await untilThere(world.kafka, topic)
}

/** Makes the group forget its offsets, as an administrator may; it must have no members. */
export async function deleteGroup(world: World): Promise<void> {
  await withAdmin(world.kafka, (admin) => admin.deleteGroups([world.groupId]))
}

export async function addPartitions(world: World, count: number): Promise<void> {
  await withAdmin(world.kafka, (admin) =>
    admin.createPartitions({ topicPartitions: [{ topic: world.topic, count }] }),
  )
}

/** Operations by Kafka's names, on one topic or one consumer group. */
export interface Right {
  readonly on: { readonly topic: string } | { readonly group: string }
  readonly may: readonly (keyof typeof kafkajs.AclOperationTypes)[]
}

/** Gives a user of the broker these rights, as `kafka-acls --add --allow-principal User:<user>` does. */
export async function allow(world: World, user: string, rights: readonly Right[]): Promise<void> {
  const acl = rights.flatMap(({ on, may }) =>
    may.map((operation) => ({
      ...('topic' in on
        ? { resourceType: kafkajs.AclResourceTypes.TOPIC, resourceName: on.topic }
        : { resourceType: kafkajs.AclResourceTypes.GROUP, resourceName: on.group }),
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      principal: `User:${user}`,
      host: '*',
      operation: kafkajs.AclOperationTypes[operation],
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    })),
  )
  await withAdmin(world.kafka, (admin) => admin.createAcls({ acl }))
}
