import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { aProducer, consumed, progressTo, sentBy, SMALL_BATCHES } from '../support/fault-backlog.ts'
import { peakMemoryMb } from '../support/fault-worker.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'
import { ownKafka, type OwnKafka } from './support/own-servers.ts'
import { expectExactlyInThreeTicks } from './support/three-ticks.ts'

// Three brokers that start and elect: long on a busy machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 })

/** Three processes of 512 MB of heap each at most; the figure that they took is printed. */
const BROKERS = 3

let own: OwnKafka | string

beforeAll(async () => {
  own = await ownKafka(BROKERS)
})
afterAll(async () => {
  if (typeof own !== 'string') await own.stop()
})
beforeEach(({ skip }) => {
  if (typeof own === 'string') skip(own)
})

test('of three brokers one is killed under load, the leader of a partition and of the group: the job goes on with two, and nothing is lost', async ({
  annotate,
}) => {
  const { brokers } = own as OwnKafka
  const world = await aWorld({
    servers: {
      kafkaBrokers: brokers.map(({ address }) => address).join(','),
      databaseUrl: inject('databaseUrl'),
    },
    env: { TOPIC_REPLICATION: '3', TOPIC_MIN_INSYNC: '2' },
  })
  const etl = world.startEtl(SMALL_BATCHES)
  const producer = aProducer(world, { PRODUCER_RATE: '200' })
  await progressTo(world, 200, 60_000)

  // It leads one of the three partitions too.
  const coordinator = await leaderOf(world, '__consumer_offsets')
  const { control } = brokers[coordinator - 1]!
  await control.kill()
  // More than was on its way when it went.
  await progressTo(world, (await consumed(world)) + 1_000, 60_000)
  expect(await leaderOf(world, '__consumer_offsets')).not.toBe(coordinator)

  await control.start()
  await waitFor('all replicas to be in sync', () => inSync(world), { limitMs: 60_000, everyMs: 500 })
  producer.kill('SIGTERM')
  await expectExactlyInThreeTicks(world, await sentBy(producer))
  expect(await etl.stop()).toBe(0)
  const memory = brokers.map((broker) => Math.round(peakMemoryMb(broker.control.pid())))
  await annotate(`three brokers take ${memory.join(' + ')} MB`)
})

async function leaderOf({ kafka }: World, topic: string): Promise<number> {
  const { topics } = await withAdmin(kafka, (admin) => admin.fetchTopicMetadata({ topics: [topic] }))
  return topics[0]!.partitions.find(({ partitionId }) => partitionId === 0)!.leader
}

async function inSync({ kafka, topic, dlqTopic }: World): Promise<boolean> {
  const wanted = [topic, dlqTopic, '__consumer_offsets']
  const { topics } = await withAdmin(kafka, (admin) => admin.fetchTopicMetadata({ topics: wanted }))
  return topics.every(({ partitions }) => partitions.every(({ isr }) => isr.length === BROKERS))
}
