import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ensureTopics, withAdmin } from '../../etl/kafka/topics.ts'
import { ensureProgress } from '../../etl/ledger/first-watermark.ts'
import { readConfig } from '../../etl/process/config.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { topicSpecs } from '../../scripts/topics.ts'
import { imbalances } from '../support/balance.ts'
import { addressOf } from '../support/console.ts'
import { messagesOf } from '../support/messages.ts'
import { runPulse } from '../support/pulse.ts'
import { NAP_MS, sleepy } from '../support/streams/sleepy.ts'
import { parcels } from '../support/streams/parcels.ts'
import { visits } from '../support/streams/visits.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, readWholeTopic, type World, type WorldOptions } from '../support/world.ts'

/** Several streams in one worker and one warehouse. */

const aParcel = messagesOf(parcels)
const aVisit = messagesOf(visits)

const twoStreams = (options: Partial<WorldOptions> = {}) =>
  aWorld({ stream: parcels, others: [visits], partitions: 1, ...options })

const send = (world: World, visitsSent: readonly (object | string)[]) =>
  world.produce(visitsSent, { to: world.topicOf(visits) })

/** How many facts there are of a stream. */
async function facts(world: World, { name }: Definition): Promise<number> {
  const { rows } = await world.pool.query<{ n: number }>(`select count(*)::int as n from warehouse.${name}`)
  return rows[0]!.n
}

const loaded = (world: World, stream: Definition, count: number) =>
  waitFor(`${count} ${stream.name} to be loaded`, async () => (await facts(world, stream)) >= count, {
    limitMs: 40_000,
  })

const some = (kind: typeof aParcel, n: number) => Array.from({ length: n }, () => kind.aLiveMessage())

test('each is loaded from its topic, has its dead letters, runs, group and proof', async () => {
  const world = await twoStreams()
  const etl = world.startEtl()
  await etl.waitForLine('ready')
  const visit = aVisit.aLiveMessage()
  await world.produce([...some(aParcel, 3), aParcel.aBrokenMessage()])
  await send(world, [visit, visit, ...some(aVisit, 30), '{'])
  await loaded(world, parcels, 3)
  await loaded(world, visits, 31)
  await waitFor(
    'both dead letters to be published',
    async () => (await world.deadLetters()).filter(({ published_at }) => published_at !== null).length === 2,
  )
  expect(await world.deadLetters()).toMatchObject([
    { topic: world.topic, code: 'schema_violation' },
    { topic: world.topicOf(visits), code: 'malformed_json' },
  ])
  expect(await readWholeTopic(world.kafka, `${world.topicOf(visits)}.dlq`)).toHaveLength(1)
  expect(await imbalances(world.pool, parcels)).toEqual([])
  expect(await imbalances(world.pool, visits)).toEqual([])

  // A run has its figures when it ends, after what it has loaded can be seen.
  await expect
    .poll(
      async () =>
        (
          await world.pool.query<Record<string, unknown>>(
            `select stream, sum(consumed)::int as consumed from audit.pipeline_runs group by 1 order by 1`,
          )
        ).rows,
      { timeout: 10_000 },
    )
    .toEqual([
      { stream: 'parcels', consumed: 4 },
      { stream: 'visits', consumed: 33 },
    ])
  await waitFor('the worker to say what it has of each', async () => {
    const { rows } = await world.pool.query(
      'select stream, partitions, problem from audit.workers order by 1',
    )
    return isDeepStrictEqual(rows, [
      { stream: 'parcels', partitions: [0], problem: null },
      { stream: 'visits', partitions: [0], problem: null },
    ])
  })
  const proof = await runPulse(world.env, ['reconcile', '--deep', '--json'])
  expect(proof).toMatchObject({ code: 0, err: '' })
  expect(JSON.parse(proof.out)).toMatchObject([
    { stream: 'parcels', balanced: true, totals: { consumed: 4, loaded: 3, deadLettered: 1 } },
    { stream: 'visits', balanced: true, totals: { consumed: 33, loaded: 31, duplicate: 1, deadLettered: 1 } },
  ])
  expect(await etl.stop()).toBe(0)
})

describe('what happens to one changes nothing for another', () => {
  test('that has no topic yet: it begins when there is one', async () => {
    const world = await aWorld({
      stream: parcels,
      others: [visits],
      partitions: 1,
      env: { STREAM_VISITS_TOPIC: `nowhere-${Date.now()}` },
    })
    const topic = world.env['STREAM_VISITS_TOPIC']!
    const etl = world.startEtl()
    const address = await addressOf(etl)
    await world.produce(some(aParcel, 5))
    await loaded(world, parcels, 5)
    const notReady = await fetch(`${address}/readyz`)
    expect([notReady.status, await notReady.json()]).toMatchObject([
      503,
      { problem: 'visits: waits for its topic' },
    ])
    const config = {
      ...readConfig(['kafka', 'topics'], world.env),
      KAFKA_TOPIC: topic,
      KAFKA_DLQ_TOPIC: `${topic}.dlq`,
    }
    await withAdmin(world.kafka, (admin) => ensureTopics(admin, topicSpecs(config)))
    await world.produce(some(aVisit, 2), { to: topic })
    await loaded(world, visits, 2)
    await waitFor('the worker to be ready', async () => (await fetch(`${address}/readyz`)).ok)
    await withAdmin(world.kafka, (admin) => admin.deleteTopics({ topics: [topic, `${topic}.dlq`] }))
  })

  test('that is stopped by mass rejection', async () => {
    const world = await twoStreams()
    world.startEtl()
    await send(
      world,
      Array.from({ length: 40 }, () => aVisit.aBrokenMessage()),
    )
    await waitFor('the stop of visits', async () =>
      (await world.watermarks()).some(({ topic, stop_code }) =>
        topic === world.topicOf(visits) ? stop_code === 'mass_rejection' : false,
      ),
    )
    await world.produce(some(aParcel, 5))
    await loaded(world, parcels, 5)
    expect(await facts(world, visits)).toBe(0)
    expect(
      (await runPulse(world.env, ['partitions', 'continue', '0', '--stream', 'visits', '--yes'])).code,
    ).toBe(0)
    await waitFor('its dead letters', async () => (await world.deadLetters()).length === 40)
    expect(await imbalances(world.pool, visits)).toEqual([])
  })

  test('that is paused, and all go on when all are resumed', async () => {
    const world = await twoStreams()
    const etl = world.startEtl()
    await etl.waitForLine('ready')
    const pulse = async (...args: string[]) =>
      expect(await runPulse(world.env, args)).toMatchObject({ code: 0 })
    await pulse('pause', '--stream', 'visits', '--reason', 'so')
    await etl.waitForLine(({ msg, stream }) => msg === 'paused' && stream === 'visits')
    await send(world, some(aVisit, 3))
    await world.produce(some(aParcel, 3))
    await loaded(world, parcels, 3)
    expect(await facts(world, visits)).toBe(0)

    await pulse('pause', '--reason', 'all of it')
    await etl.waitForLine(({ msg, stream }) => msg === 'paused' && stream === 'parcels')
    await pulse('resume', '--stream', 'visits')
    const refused = await runPulse(world.env, ['resume', '--stream', 'visits'])
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('all streams are: pulse resume') })
    await pulse('resume')
    await loaded(world, visits, 3)
  })

  test('that computes long: the others are loaded in between, and it is an alert', async () => {
    const naps = 150
    const world = await aWorld({ stream: parcels, others: [sleepy], partitions: 1 })
    world.startEtl()
    await world.produce(
      Array.from({ length: naps }, (_, i) => ({ bed: `bed ${i}`, at: new Date().toISOString() })),
      { to: world.topicOf(sleepy) },
    )
    await waitFor(
      'the first nap',
      async () =>
        ((await world.pool.query(`select from audit.workers where longest_step_ms >= ${NAP_MS}`)).rowCount ??
          0) > 0,
    )
    await world.produce(some(aParcel, 5))
    await loaded(world, parcels, 5)
    expect(await facts(world, sleepy)).toBe(0)
    await waitFor(
      'the alert',
      async () => {
        const { rows } = await world.pool.query('select stream, summary from audit.alerts where rule = $1', [
          'slow_record',
        ])
        return rows.length === 1 && rows[0]
      },
      { limitMs: 30_000 },
    ).then((alert) =>
      expect(alert).toMatchObject({ stream: 'sleepy', summary: /^sleepy: A record of sleepy took / }),
    )
  })
})

test('one that no worker runs is late, red in status, and reconcile says what waits', async () => {
  const world = await twoStreams({ env: { STREAMS: 'parcels', ALERT_LATE_SECONDS: '3' } })
  world.startEtl()
  await send(world, some(aVisit, 2))
  await waitFor(
    'the alert',
    async () =>
      ((await world.pool.query(`select from audit.alerts where rule = 'late' and stream = 'visits'`))
        .rowCount ?? 0) > 0,
    { limitMs: 40_000 },
  )
  const { rows } = await world.pool.query(`select stream, summary from audit.alerts where rule = 'late'`)
  expect(rows).toEqual([
    {
      stream: 'visits',
      summary: 'visits: No run has succeeded for more than 3 s: no worker runs the stream',
    },
  ])
  expect((await world.pool.query('select distinct stream from audit.workers')).rows).toEqual([
    { stream: 'parcels' },
  ])
  expect((await runPulse(world.env, ['status'])).out).toMatch(/^visits +Run by no worker/m)
  const proof = await runPulse(world.env, ['reconcile', '--json'])
  expect(JSON.parse(proof.out)).toMatchObject([
    { stream: 'parcels', warnings: expect.not.arrayContaining([expect.stringContaining('no worker runs')]) },
    {
      stream: 'visits',
      warnings: expect.arrayContaining([
        `no worker runs the stream visits: 2 offsets of ${world.topicOf(visits)} wait (partition 0: 2)`,
      ]),
    },
  ])
})

test('a topic is one stream’s', async () => {
  const world = await twoStreams({ withoutTopics: true })
  const log = { clusterId: 'c', start: 0 }
  await ensureProgress(world.pool, { stream: 'parcels', topic: 't', partition: 0 }, log)
  await expect(
    ensureProgress(world.pool, { stream: 'visits', topic: 't', partition: 1 }, log),
  ).rejects.toThrow('the topic t belongs to the stream parcels in this warehouse, not to visits')
})

test('the console has the pages of each in its place, and a switch between them', async () => {
  const world = await twoStreams({ env: { CONSOLE_PASSWORD: 'operators-sEcReT-1' } })
  const etl = world.startEtl()
  const address = await addressOf(etl)
  await world.produce([...some(aParcel, 30), aParcel.aBrokenMessage()])
  await send(world, [...some(aVisit, 30), '{'])
  await waitFor('two dead letters', async () => (await world.deadLetters()).length === 2)
  const logIn = await fetch(`${address}/login`, {
    method: 'POST',
    body: new URLSearchParams({ name: 'Ada', password: 'operators-sEcReT-1' }),
    redirect: 'manual',
  })
  const cookie = logIn.headers.getSetCookie()[0]!.split(';')[0]!
  const look = async (path: string) => {
    const answer = await fetch(address + path, { headers: { cookie }, redirect: 'manual' })
    expect([path, answer.status]).toEqual([path, 200])
    return answer.text()
  }
  const home = await look('/dead-letters')
  expect(home).toContain(`${world.topic}:0:30`)
  expect(home).not.toContain(`${world.topicOf(visits)}:0:30`)
  expect(home).toContain('href="/streams/visits/dead-letters"')
  const other = await look('/streams/visits/dead-letters')
  expect(other).toContain(`${world.topicOf(visits)}:0:30`)
  expect(other).not.toContain(`${world.topic}:0:30`)
  expect(other).toMatch(/href="\/streams\/visits\/dead-letters\/\d+"/)
  expect(other).not.toMatch(/href="\/(dead-letters|runs|actions)/)
  expect(await look('/streams/parcels/dead-letters')).toContain(`${world.topic}:0:30`)

  const csrf = /name="_csrf" value="([^"]+)"/.exec(await look('/streams/visits/actions'))![1]!
  const paused = await fetch(`${address}/streams/visits/actions/pause`, {
    method: 'POST',
    headers: { cookie },
    body: new URLSearchParams({ _csrf: csrf, reason: 'so', scope: 'stream' }),
    redirect: 'manual',
  })
  expect([paused.status, paused.headers.get('location')]).toEqual([303, '/streams/visits/actions'])
  const { rows } = await world.pool.query('select stream from audit.control where paused_at is not null')
  expect(rows).toEqual([{ stream: 'visits' }])
  const overview = await look('/')
  expect(overview).toMatch(/visits<\/a>[\s\S]*Paused/)
})
