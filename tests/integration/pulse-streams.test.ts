import { expect, test } from 'vitest'
import { messagesOf } from '../support/messages.ts'
import { runPulse } from '../support/pulse.ts'
import { parcels } from '../support/streams/parcels.ts'
import { visits } from '../support/streams/visits.ts'
import { aWorld } from '../support/world.ts'

/** What is installed, and what would become of a topic's records, told without a warehouse. */

const aVisit = messagesOf(visits)
const NO_WAREHOUSE = 'postgres://nobody@127.0.0.1:1/none'

test('the newest records of a topic are tried without a warehouse', async () => {
  const world = await aWorld({ stream: parcels, others: [visits], partitions: 1 })
  const env = { ...world.env, DATABASE_URL: NO_WAREHOUSE }
  const topic = world.topicOf(visits)
  const attempt = (...args: string[]) => runPulse(env, ['streams', 'try', ...args])

  expect(await attempt('visits')).toEqual({
    code: 0,
    out: `${topic} holds no record: nothing was tried.\n`,
    err: '',
  })

  const visit = aVisit.aLiveMessage()
  const good = Array.from({ length: 6 }, () => aVisit.aLiveMessage())
  await world.produce(['{', ...good, visit, visit], { to: topic })
  const all = await attempt('visits')
  expect(all).toMatchObject({ code: 6, err: '' })
  expect(all.out).toContain(
    `visits: of 9 records of ${topic}, 8 valid (1 repeated), 1 dead letter, 0 skipped. Nothing was loaded.`,
  )
  expect(all.out).toMatch(/dead letter\tmalformed_json\t1\t0:0\tvalue is /)

  const newest = await attempt('visits', '--last', '8', '--json')
  expect({ ...newest, out: JSON.parse(newest.out) as unknown }).toMatchObject({
    code: 0,
    err: '',
    out: { stream: 'visits', topic, records: 8, valid: 8, repeated: 1, rejected: 0, groups: [] },
  })
  expect(await runPulse(env, ['--stream', 'visits', 'streams', 'try', '--last', '1'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('visits: of 1 record'),
  })
})

test('what is installed is listed in its order, with its topics', async () => {
  const world = await aWorld({ stream: parcels, others: [visits], partitions: 1 })
  const { code, out } = await runPulse(world.env, ['streams', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject([
    { name: 'parcels', topic: world.topic },
    { name: 'visits', topic: world.topicOf(visits), identity: { once: ['session', 'page'] }, keep: null },
  ])
  const { out: lines } = await runPulse(world.env, ['streams'])
  expect(lines.split('\n')).toMatchObject([
    'stream\ttopic\tdead letters\trows\tkept',
    expect.stringContaining('parcels\t'),
    `visits\t${world.topicOf(visits)}\t${world.topicOf(visits)}.dlq\tvisit, once by session, page\t`,
    '',
  ])
})

test('a stream or topic that there is not is told, and what there is', async () => {
  const world = await aWorld({ stream: parcels, others: [visits], partitions: 1 })
  const attempt = (args: string[], env: object = {}) =>
    runPulse({ ...world.env, ...env }, ['streams', 'try', ...args])
  expect(await attempt(['visit'])).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('streams try names visit; the streams are parcels, visits'),
  })
  expect(await attempt(['visits', '--stream', 'parcels'])).toMatchObject({
    code: 2,
    err: 'name one stream: visits, or --stream parcels\n',
  })
  expect(await attempt(['visits', '--last', '0'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('It is not a whole number from 1 to 1000000.'),
  })
  expect(await attempt(['visits'], { STREAM_VISITS_TOPIC: 'nowhere' })).toEqual({
    code: 1,
    out: '',
    err: 'there is no topic nowhere\n',
  })
})
