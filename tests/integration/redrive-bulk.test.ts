import { expect, onTestFinished, test } from 'vitest'
import type { RecordProducer } from '../../etl/kafka/producer.ts'
import { continueAction, readAction, stopAction } from '../../etl/operations/actions.ts'
import { ADA, askForRedrive, openBackground, redrive } from '../support/background.ts'
import { waitFor } from '../support/wait-for.ts'
import { refuseMarked } from '../support/warehouse.ts'
import { aBrokenMessage, at, marked, mended, roles } from '../support/messages.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const good = (count: number) => Array.from({ length: count }, () => aLiveMessage())
const live = (message: object) => ({ key: null, value: Buffer.from(JSON.stringify(message)) })

const DAY_MS = 86_400_000
const FAILURE = `timestamp_out_of_range ${roles.eventTime}`

/** A world with so many dead letters that were too old for the job as it was, and are not for the one as it is. */
async function aWorldOfLateRecords(count: number): Promise<World> {
  const world = await aWorld({ partitions: 1 })
  const timestamp = new Date(Date.now() - 2 * DAY_MS).toISOString()
  await world.produce(Array.from({ length: count }, () => aLiveMessage(at(timestamp))))
  await world.produce(['{', '['])
  await world.runOnce({ maxAgeDays: 1, deadLetterMaxRatio: 1 })
  return world
}

/** Does something else after so many sends have reached the topic, before the executor hears of the last. */
const after = (sends: number, act: () => Promise<unknown>) => {
  let count = 0
  return (producer: RecordProducer): RecordProducer => ({
    ...producer,
    send: async (topic, records) => {
      await producer.send(topic, records)
      if (++count === sends) await act()
    },
  })
}

const resolutions = async (world: World) => {
  const { rows } = await world.pool.query(
    `select failure, split_part(resolution, ' ', 1) as became, count(*)::int from audit.dead_letters group by 1, 2 order by 1`,
  )
  return rows as unknown[]
}

test('1,000 of a group, and their worker is lost between sending and marking: each is loaded once', async () => {
  const world = await aWorldOfLateRecords(1_000)
  // Another worker has taken the action over, and is lost itself.
  const lane = await openBackground(world, {
    producer: after(3, () =>
      world.pool.query(
        `update audit.operator_actions set worker = 'another', heartbeat_at = now() - interval '10 minutes'`,
      ),
    ),
  })
  const asked = await askForRedrive(world, { failure: FAILURE }, { expectedCount: 1_000 })
  const action = await lane.until(asked)

  expect(action).toMatchObject({
    total: 1_000,
    done: 1_000,
    result: { sent: 1_000, skipped: {}, tooLarge: [] },
    worker: 'background-1',
  })
  expect(await world.runOnce()).toMatchObject({ consumed: 1_200, loaded: 1_000, duplicate: 200, stopped: 0 })
  expect(await resolutions(world)).toEqual([
    { failure: 'malformed_json', became: null, count: 2 },
    { failure: FAILURE, became: 'loaded', count: 1_000 },
  ])
  await world.assertBalanced()
})

test('stopped, it says how far it came; continued, it goes on from there', async () => {
  const world = await aWorldOfLateRecords(500)
  const action = await askForRedrive(world, { failure: FAILURE })
  const lane = await openBackground(world, {
    producer: after(1, async () => {
      await stopAction(world.pool, ADA, action.id)
      const heartbeat = async () => {
        const { rows } = await world.pool.query<{ at: Date }>(
          `select heartbeat_at as at from audit.operator_actions where action = 'redrive'`,
        )
        return rows[0]!.at.getTime()
      }
      const before = await heartbeat()
      await waitFor('the worker to hear of it', async () => (await heartbeat()) > before)
    }),
  })

  expect(await lane.until(action, 'stopped')).toMatchObject({ done: 200, result: { sent: 200 } })
  // What was resolved meanwhile is passed over.
  expect(await world.runOnce()).toMatchObject({ loaded: 200 })
  await world.pool.query(
    `update audit.dead_letters set resolved_at = now(), resolution = 'by hand' where id = (select max(id) from audit.dead_letters where resolved_at is null and failure = $1)`,
    [FAILURE],
  )
  await continueAction(world.pool, ADA, action.id)
  expect(await lane.until(action)).toMatchObject({
    done: 500,
    result: { sent: 499, skipped: { resolved: 1 } },
  })
  expect(await world.runOnce()).toMatchObject({ consumed: 299, loaded: 299, duplicate: 0 })
  await world.assertBalanced()
})

test('a load that is faster than the mark is believed: loaded or failed again, nothing waits', async () => {
  const world = await aWorld({ partitions: 1 })
  const bad = aBrokenMessage()
  await world.produce([bad, '{'])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const lane = await openBackground(world, {
    producer: (producer) => ({
      ...producer,
      send: async (topic, records) => {
        await producer.send(topic, records)
        await world.runOnce()
      },
    }),
  })
  const [invalid, broken] = await world.deadLetters()
  const value = Buffer.from(JSON.stringify(mended(bad)))
  await lane.until(await askForRedrive(world, { ids: [invalid!.id] }, { value }))
  await lane.until(await askForRedrive(world, { ids: [broken!.id] }))

  expect(await world.deadLetters()).toMatchObject([
    { redriven_at: null, resolution: expect.stringMatching(/^loaded/) as string },
    { redriven_at: null, resolved_at: null, attempts: 1 },
    { redriven_at: null, resolved_at: null, redrive_of: `${world.topic}:0:1` },
  ])
})

test('what waits for its outcome is not sent again in bulk, but by its number', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['{', '['])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const lane = await openBackground(world)
  const [first] = await world.deadLetters()
  await lane.until(await askForRedrive(world, { ids: [first!.id] }))

  expect((await lane.until(await askForRedrive(world, {}))).result).toMatchObject({
    sent: 1,
    skipped: { waiting: 1 },
  })
  expect((await lane.until(await askForRedrive(world, { ids: [first!.id] }))).result).toMatchObject({
    sent: 1,
  })
})

test('500 that fail again do not stop their partition, and weigh neither for nor against what comes after', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(Array.from({ length: 500 }, (_, i) => `garbage ${i}`))
  await world.runOnce({ deadLetterMaxRatio: 1 })
  await world.produce(good(300))
  await world.runOnce()

  const { run } = await redrive(world, {})
  expect(run).toMatchObject({ consumed: 500, deadLettered: 500, stopped: 0 })

  // With the redrives in the window these would be 512 of 523; alone, 12 of 23. The 300 good ones count.
  await world.produce([...good(11), ...Array<string>(12).fill('garbage')])
  expect(await world.runOnce()).toMatchObject({ deadLettered: 12, stopped: 0 })
  // And garbage of the producers still stops it.
  await world.produce(Array<string>(400).fill('garbage'))
  expect(await world.runOnce()).toMatchObject({ consumed: 0, stopped: 1 })
  await world.assertBalanced()
})

test('redrives among what producers send are left out of the judgement of its batch', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['{'])
  await world.runOnce()
  const again = { key: null, value: Buffer.from('{'), headers: { 'redrive-of': `${world.topic}:0:0` } }
  await world.produceRecords([
    ...Array.from({ length: 30 }, () => again),
    ...Array.from({ length: 20 }, () => live(aLiveMessage())),
    ...Array.from({ length: 15 }, () => live({})),
  ])
  expect(await world.runOnce()).toMatchObject({ consumed: 65, loaded: 20, deadLettered: 45, stopped: 0 })

  await world.produceRecords([
    ...Array.from({ length: 200 }, () => ({ ...live(aLiveMessage()), headers: again.headers })),
    ...Array.from({ length: 20 }, () => live({})),
  ])
  expect(await world.runOnce({ batchSize: 1_000 })).toMatchObject({ stopped: 1, consumed: 0 })
})

test('a batch that must be halved settles its redrives part by part', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['{', '['])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  await refuseMarked(world.pool, 'poison')
  const again = (offset: number, message: object | string) => ({
    key: null,
    value: Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
    headers: { 'redrive-of': `${world.topic}:0:${offset}` },
  })
  await world.produceRecords([
    again(0, aLiveMessage()),
    again(1, '['),
    again(1, aLiveMessage(marked('poison'))),
    again(0, '{'),
  ])

  expect(await world.runOnce()).toMatchObject({ loaded: 1, deadLettered: 3, stopped: 0 })

  const origin = (offset: number) => `${world.topic}:0:${offset}`
  expect(await world.deadLetters()).toMatchObject([
    { attempts: 1, resolution: expect.stringMatching(/^loaded in /) as string },
    { attempts: 2, resolved_at: null },
    { offset: 3, redrive_of: origin(1), resolution: `superseded by ${origin(4)}` },
    { offset: 4, redrive_of: origin(1), code: 'rejected_by_warehouse', resolved_at: null },
    { offset: 5, redrive_of: origin(0), resolved_at: null },
  ])
  await world.assertBalanced()
})

test('several attempts of one chain in one batch count in their order', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['{'])
  await world.runOnce()
  const headers = { 'redrive-of': `${world.topic}:0:0` }
  await world.produceRecords(
    ['{', JSON.stringify(aLiveMessage()), '[', '"'].map((value) => ({
      key: null,
      value: Buffer.from(value),
      headers,
    })),
  )

  expect(await world.runOnce()).toMatchObject({ batches: 1, loaded: 1, deadLettered: 3 })

  expect(await world.deadLetters()).toMatchObject([
    { offset: 0, attempts: 3, resolution: `loaded in ${world.topic}:0:1-4` },
    { offset: 1, resolution: `loaded in ${world.topic}:0:1-4` },
    { offset: 3, resolution: `superseded by ${world.topic}:0:4` },
    { offset: 4, resolved_at: null },
  ])
  await world.assertBalanced()
})

test('two workers at once, copies of the same chains crossed on their partitions: no deadlock, one open attempt each', async () => {
  const world = await aWorld({ partitions: 2 })
  const chains = Array.from({ length: 300 }, (_, i) => `${world.topic}:0:${i}`)
  await world.produce(chains.map(() => '{'))
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const copies = chains.map((origin) => ({
    key: null,
    value: Buffer.from('{'),
    headers: { 'redrive-of': origin },
  }))
  await world.produceRecords(copies.map((copy) => ({ ...copy, partition: 0 })))
  await world.produceRecords(copies.toReversed().map((copy) => ({ ...copy, partition: 1 })))
  const [one, two] = await Promise.all([world.openWorker({ owns: [0] }), world.openWorker({ owns: [1] })])

  const runs = await Promise.all([one.runOnce({ batchSize: 25 }), two.runOnce({ batchSize: 40 })])

  expect(runs).toMatchObject([
    { status: 'succeeded', deadLettered: 300 },
    { status: 'succeeded', deadLettered: 300 },
  ])
  const { rows } = await world.pool.query(
    `select f.attempts, count(l.id)::int as later, (count(l.id) filter (where l.resolved_at is null))::int as open, count(*) over ()::int as chains
     from audit.dead_letters f left join audit.dead_letters l on l.redrive_of = f.topic || ':0:' || f."offset"
     where f.redrive_of is null group by f.id`,
  )
  expect(rows.filter((row: { attempts: number }) => row.attempts !== 2)).toEqual([])
  expect(new Set(rows.map((row: object) => JSON.stringify(row)))).toEqual(
    new Set([JSON.stringify({ attempts: 2, later: 2, open: 1, chains: 300 })]),
  )
  const stats = await world.pool.query(
    `select (select deadlocks from pg_stat_database where datname = current_database()) as deadlocks,
            (select sum(retries)::int from audit.pipeline_runs) as retries`,
  )
  expect(stats.rows).toEqual([{ deadlocks: 0, retries: 0 }])
  await world.assertBalanced()
})

test('two loads with a copy of one record each: the second sees the first one’s dead letter, and replaces it', async () => {
  const world = await aWorld({ partitions: 2 })
  await world.produce(['{'])
  await world.runOnce()
  const headers = { 'redrive-of': `${world.topic}:0:0` }
  for (const partition of [0, 1])
    await world.produceRecords([{ key: null, value: Buffer.from('{'), headers, partition }])
  const [one, two] = await Promise.all([world.openWorker({ owns: [0] }), world.openWorker({ owns: [1] })])
  const holder = await world.pool.connect()
  onTestFinished(() => holder.release(true))
  await holder.query('begin; select from audit.dead_letters for update')
  const waiting = (count: number) =>
    waitFor(`${count} loads to wait`, async () => {
      const { rowCount } = await world.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rowCount === count
    })

  const first = one.runOnce()
  await waiting(1)
  const second = two.runOnce()
  await waiting(2)
  await holder.query('rollback')
  await Promise.all([first, second])

  expect(await world.deadLetters()).toMatchObject([
    { attempts: 2, resolved_at: null },
    { partition: 0, resolution: `superseded by ${world.topic}:1:0` },
    { partition: 1, resolved_at: null },
  ])
})

test('an action that is pending waits for a worker, and its target does not grow meanwhile', async () => {
  const world = await aWorldOfLateRecords(3)
  const action = await askForRedrive(world, {})
  await world.produce(['later'])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  expect(await readAction(world.pool, action.id)).toMatchObject({ status: 'pending', total: 5, done: 0 })
  const lane = await openBackground(world)
  expect(await lane.until(action)).toMatchObject({ done: 5, result: { sent: 5 } })
})
