import { expect, test } from 'vitest'
import { requestReplay } from '../../etl/replay/request.ts'
import { compile } from '../../etl/stream/compile.ts'
import { askForRedrive } from '../support/background.ts'
import { forgetIn, whereIs } from '../support/forgetting.ts'
import { provedBy } from '../support/reconciled.ts'
import { aMember } from '../support/members.ts'
import { ALL, aReplayer, OPERATOR, settled } from '../support/replayer.ts'
import { members } from '../support/streams/members.ts'
import { aRival, untilWaiting } from '../support/versions.ts'
import { aWorld, type World } from '../support/world.ts'

/** Forgetting beside loads, replays and redrives: each of them sees all of it or nothing. */

async function aWorldOf(
  records: readonly object[],
  options: Parameters<typeof aWorld>[0] = {},
): Promise<World> {
  const world = await aWorld({ stream: members, partitions: 1, ...options })
  await world.produce(records)
  await world.runOnce({ deadLetterMaxRatio: 1 })
  return world
}

/** Somebody who forgets a key and has not committed yet. */
async function aForgetter(world: World, key: string, redrives = 'null') {
  const rival = await aRival(world)
  await rival.query(`select pg_advisory_xact_lock(hashtext('pulse: forget'))`)
  const { rows } = await rival.query<{ id: string }>(
    `insert into audit.operator_actions (action, stream, target, requested_by, via, status)
     values ('forget', 'members', '{}', 'bob', 'pulse', 'succeeded') returning id`,
  )
  const letters = `array(select id from audit.dead_letters)`
  await rival.query(
    `select audit.forget('members', '[{"member_id": "${key}"}]', ${letters}, ${redrives}, ${rows[0]!.id})`,
  )
  await rival.query(
    `update warehouse.members_by_day set credit = (select sum(credit) from warehouse.members)`,
  )
  return rival
}

test('a load that meets the same record meanwhile waits, and takes it for a duplicate', async () => {
  const one = aMember('a', 1)
  const world = await aWorldOf([one])
  const rival = await aForgetter(world, 'a')
  await world.produce([one, aMember('a', 2)])
  const run = world.runOnce()
  await untilWaiting(world)
  await rival.query('commit')
  expect(await run).toMatchObject({ status: 'succeeded', loaded: 1, duplicate: 1, deadLettered: 0 })
  expect(await provedBy(world, members)).toMatchObject({
    balanced: true,
    told: [],
    everyRecord: { forgotten: 1 },
  })
})

test('it waits for a load that is under way, and then forgets what that has loaded', async () => {
  const world = await aWorldOf([aMember('a', 1)])
  const load = await aRival(world)
  await load.query('select from audit.partition_progress for update')
  const forgetting = forgetIn(world, members, { keys: [['a']] })
  await untilWaiting(world)
  await load.query(`
    insert into warehouse.members_history (source_offset, version, ${SAME}) select 77, 2, ${SAME} from warehouse.members_history`)
  await load.query('commit')
  expect(await forgetting).toMatchObject({ facts: 2, currentRows: 1 })
  expect(await whereIs(world, 'Ada of a')).toEqual([])
})

/** What one version has of another, beside its number and its offset. */
const SAME =
  'source_partition, incarnation, member_id, full_name, email, born, credit, tier, is_gone, changed_at, greeting, letters'

test('a fill that comes to the row meanwhile waits, and leaves it as it is', async () => {
  const world = await aWorldOf([aMember('a', 1), aMember('b', 1)])
  for (const table of ['members_history', 'members'])
    await world.pool.query(`update warehouse.${table} set email = null`)
  const rival = await aForgetter(world, 'a')
  await aReplayer(world, { stream: compile(members) })
  const asked = { stream: 'members', topic: world.topic, range: ALL, dryRun: false, fill: 'email' }
  const { action } = await requestReplay(world.pool, world.kafka, OPERATOR, asked)
  await untilWaiting(world)
  await rival.query('commit')
  expect((await settled(world, action.id, 'succeeded')).result).toMatchObject({ changed: 1, forgotten: 1 })
  const { rows } = await world.pool.query('select member_id, email from warehouse.members order by 1')
  expect(rows).toEqual([
    { member_id: 'a', email: null },
    { member_id: 'b', email: 'b@example.org' },
  ])
  expect(await provedBy(world, members)).toMatchObject({ balanced: true, told: [] })
})

test('a redrive that is asked for meanwhile waits, and is refused', async () => {
  const world = await aWorldOf([{ ...aMember('a', 2), tier: 'none' }])
  const [letter] = await world.deadLetters()
  const rival = await aForgetter(world, 'a')
  const asked = askForRedrive(world, { ids: [letter!.id] }).catch(String)
  await untilWaiting(world)
  await rival.query('commit')
  expect(await asked).toContain('is forgotten since')
})

test('with loads on two partitions, a replay and a forgetting of each key at once, all end and the books balance', async () => {
  const keys = ['a', 'b', 'c', 'd']
  const versions = (from: number) =>
    keys.flatMap((key) => Array.from({ length: 40 }, (_, i) => aMember(key, from + i)))
  const world = await aWorld({ stream: members, partitions: 2 })
  await world.produce(versions(0), { partition: 0 })
  await world.produce(versions(100), { partition: 1 })
  const workers = await Promise.all([0, 1].map((owned) => world.openWorker({ owns: [owned] })))
  await Promise.all(workers.map((worker) => worker.runOnce({ batchSize: 50 })))
  await world.produce(versions(50), { partition: 0 })
  await world.produce(versions(150), { partition: 1 })
  await aReplayer(world, { stream: compile(members), batchSize: 20 })
  const { action } = await requestReplay(world.pool, world.kafka, OPERATOR, {
    stream: 'members',
    topic: world.topic,
    range: ALL,
    dryRun: false,
    fill: 'email',
  })
  const [runs, reports] = await Promise.all([
    Promise.all(workers.map((worker) => worker.runOnce({ batchSize: 10 }))),
    Promise.all(keys.map((key) => forgetIn(world, members, { keys: [[key]] }))),
    settled(world, action.id, 'succeeded'),
  ])
  expect(runs).toMatchObject([
    { status: 'succeeded', loaded: 160 },
    { status: 'succeeded', loaded: 160 },
  ])
  for (const { facts } of reports) expect(facts).toBeGreaterThanOrEqual(80)
  expect(await provedBy(world, members)).toMatchObject({ balanced: true, told: [] })
  await forgetIn(world, members, { keys: keys.map((key) => [key]) })
  expect(await whereIs(world, 'Ada of')).toEqual([])
  expect(await provedBy(world, members)).toMatchObject({
    balanced: true,
    told: [],
    everyRecord: { forgotten: 640 },
  })
  const { rows } = await world.pool.query(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  )
  expect(rows).toEqual([{ deadlocks: 0 }])
})
