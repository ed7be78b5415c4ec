import { expect, test } from 'vitest'
import { commitFromOutside } from '../../etl/kafka/group-offsets.ts'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { readOwner } from '../../etl/ledger/warehouse-name.ts'
import { runPulse } from '../support/pulse.ts'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** Two warehouses with one group would get half of the partitions each: only one of them may work in it. */

const some = (count: number) => Array.from({ length: count }, () => aLiveMessage())

/** Another warehouse beside a world's, with the same topic and group. */
const beside = ({ topic, dlqTopic, groupId }: World) =>
  aWorld({
    withoutTopics: true,
    env: { KAFKA_TOPIC: topic, KAFKA_DLQ_TOPIC: dlqTopic, KAFKA_GROUP_ID: groupId },
  })

/** What is written beside the group's offsets, by partition. */
const owners = ({ kafka, groupId, topic }: World) =>
  withAdmin(kafka, async (admin) => {
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return group!.partitions.map(({ metadata }) => metadata)
  })

const members = ({ kafka, groupId }: World) =>
  withAdmin(kafka, async (admin) => (await admin.describeGroups([groupId])).groups[0]!.members.length)

const pulse = (world: World, ...args: string[]) => runPulse(world.env, ['partitions', ...args])
const codes = async (world: World) => (await world.watermarks()).map(({ stop_code }) => stop_code)

test('a second warehouse in the group stays out, and the first one keeps every partition', async () => {
  const first = await aWorld({ partitions: 2 })
  const worker = await first.openWorker()
  await worker.runOnce()
  const own = await readOwner(first.pool)
  expect(await owners(first)).toEqual([own, own])

  const second = await beside(first)
  const newcomer = await second.openWorker()
  expect(await newcomer.runOnce()).toMatchObject({ status: 'succeeded', consumed: 0, stopped: 2 })
  expect(await codes(second)).toEqual(['another_owner', 'another_owner'])
  const [stopped] = await second.watermarks()
  expect(stopped!.stop_reason).toContain(`are those of ${own}, this is ${await readOwner(second.pool)}`)
  const said = second.logs.filter(({ level, msg }) => level === 50 && msg.includes('stays out of its group'))
  expect(said).toHaveLength(1)
  expect(await newcomer.metrics.text()).toContain(
    `pulse_partition_stopped{stream="${stream.name}",partition="1"} 1`,
  )

  await waitFor('the first to have both again', () => worker.pipeline.membership.partitions().length === 2)
  await first.produce(some(3))
  await first.produce(some(4), { partition: 1 })
  expect(await worker.runOnce()).toMatchObject({ loaded: 7, stopped: 0 })
  expect(await newcomer.runOnce()).toMatchObject({ consumed: 0, stopped: 2 })
  expect(second.logs.filter(({ msg }) => msg.includes('stays out of its group'))).toHaveLength(1)
  await first.assertBalanced()
})

test('two that began at once and have a partition each stop both, until an operator decides', async () => {
  const first = await aWorld({ partitions: 2 })
  const second = await beside(first)
  const each = [first, second].map(
    async ({ pool }, partition) => [partition, { offset: 0, metadata: await readOwner(pool) }] as const,
  )
  await commitFromOutside(first.kafka, first.groupId, first.topic, new Map(await Promise.all(each)))
  await first.produce(some(2))
  for (const world of [first, second])
    expect(await world.runOnce()).toMatchObject({ consumed: 0, stopped: 2 })
  expect(await members(first)).toBe(0)
})

test('an operator lets a warehouse take the place of another, once that one is stopped', async () => {
  const old = await aWorld({ partitions: 2 })
  await old.produce(some(3))
  const worker = await old.openWorker()
  await worker.runOnce()
  const fresh = await beside(old)
  const successor = await fresh.openWorker()
  await successor.runOnce()

  const list = JSON.parse((await pulse(fresh, 'list', '--json')).out) as object[]
  expect(list).toMatchObject([{ stopCode: 'another_owner' }, { stopCode: 'another_owner' }])
  expect((await runPulse(fresh.env, ['status'])).out).toContain('pulse partitions take-over')
  expect(await pulse(fresh, 'continue', '0', '--yes')).toMatchObject({
    code: 1,
    err: expect.stringContaining('pulse partitions take-over'),
  })
  expect(await pulse(fresh, 'take-over')).toMatchObject({
    code: 2,
    err: expect.stringContaining('add --yes'),
  })
  expect(await pulse(fresh, 'take-over', '--yes')).toMatchObject({
    code: 1,
    err: expect.stringContaining('has members: the other warehouse is at work in it'),
  })
  expect(await codes(fresh)).toEqual(['another_owner', 'another_owner'])

  await worker.close()
  expect(await pulse(fresh, 'take-over', '--yes', '--by', 'Ada')).toMatchObject({ code: 0, err: '' })
  const own = await readOwner(fresh.pool)
  expect(await owners(fresh)).toEqual([own, own])
  const { rows } = await fresh.pool.query('select action, requested_by, status, target from operator_actions')
  expect(rows).toMatchObject([
    {
      action: 'continue_partition',
      requested_by: 'Ada',
      status: 'succeeded',
      target: { group: old.groupId, takenOverFrom: await readOwner(old.pool) },
    },
  ])
  await successor.runOnce() // joins
  expect(await successor.runOnce()).toMatchObject({ stopped: 0 })
  expect(await fresh.facts()).toHaveLength(3)
  await fresh.assertBalanced()
  expect(await pulse(fresh, 'take-over', '--yes')).toMatchObject({
    code: 0,
    out: expect.stringContaining('nothing to do'),
  })

  const again = await old.openWorker()
  expect(await again.runOnce()).toMatchObject({ consumed: 0, stopped: 2 })
  expect(await codes(old)).toEqual(['another_owner', 'another_owner'])
})

test('a group offset without a name is ours: an older version committed it, or an administrator', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(some(2))
  expect(
    await commitFromOutside(
      world.kafka,
      world.groupId,
      world.topic,
      new Map([[0, { offset: 0, metadata: '' }]]),
    ),
  ).toBe(true)
  expect(await world.runOnce()).toMatchObject({ loaded: 2 })
  expect(await owners(world)).toEqual([await readOwner(world.pool)])
})

test('a warehouse with a group of its own goes on, whatever it was stopped for in the other', async () => {
  const first = await aWorld({ partitions: 1 })
  const worker = await first.openWorker()
  await worker.runOnce()
  await worker.close()
  const second = await beside(first)
  await second.runOnce()
  expect(await codes(second)).toEqual(['another_owner'])
  await first.produce(some(2))
  const etl = second.startEtl({ KAFKA_GROUP_ID: `${first.groupId}-2` })
  await second.drained()
  expect(await codes(second)).toEqual([null])
  await etl.stop()
})
