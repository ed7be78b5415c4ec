import { expect, test } from 'vitest'
import { commitFromOutside } from '../../etl/kafka/group-offsets.ts'
import { readActions } from '../../etl/operations/actions.ts'
import { openBackground } from '../support/background.ts'
import { aConsoleServer, routesOf, VIEWER_PASSWORD } from '../support/console.ts'
import { fieldsOf, textOf, visitAs } from '../support/page.ts'
import { aReplayer } from '../support/replayer.ts'
import { waitFor } from '../support/wait-for.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import { aLiveMessage, aWorld, type Message, type World } from '../support/world.ts'

const aConsoleOf = async (...messages: Message[]) => aConsoleOver(await aWorld({ partitions: 1 }), messages)

async function aConsoleOver(world: World, messages: readonly Message[]) {
  if (messages.length > 0) {
    await world.produce(messages)
    await world.runOnce()
  }
  const console = await aConsoleServer(world)
  return { world, console, visit: visitAs(console, await console.logIn()) }
}

test('pause, run now and resume reach the control row, and the record says who and why', async () => {
  const { world, visit } = await aConsoleOf()
  expect(await visit.post('/actions/pause', { reason: ' ' })).toMatchObject({ status: 400 })
  expect(await visit.post('/actions/pause', { reason: 'Kafka <b>upgrade</b>' })).toMatchObject({
    status: 303,
  })

  const paused = await visit.get('/actions')
  expect(textOf(paused)).toContain('by Ada: Kafka <b>upgrade</b>')
  expect(paused.body).not.toContain('<b>')
  const refused = await visit.post('/actions/run')
  expect(refused.status).toBe(409)
  expect(textOf(refused)).toContain('It is paused')
  expect(await visit.post('/actions/resume')).toMatchObject({ status: 303 })
  expect(await visit.post('/actions/run')).toMatchObject({ status: 303 })

  const { rows } = await world.pool.query(
    "select paused_at, run_requests::int from audit.control where stream = ''",
  )
  expect(rows).toEqual([{ paused_at: null, run_requests: 2 }])
  expect(await readActions(world.pool, world.stream.name, 10)).toMatchObject([
    { action: 'run_now', requestedBy: 'Ada', via: 'console' },
    { action: 'resume' },
    { action: 'pause', reason: 'Kafka <b>upgrade</b>' },
  ])
})

test('a partition that stopped goes on with what was shown, and with nothing else', async () => {
  const { world, visit } = await aConsoleOf(...Array.from({ length: 25 }, () => '{'))
  const path = '/actions/partitions/0/continue'
  expect((await visit.get('/actions')).body).toContain(path)
  const look = await visit.get(path)
  expect(textOf(look)).toContain('It will load offsets 0 to 24 (25 offsets)')
  expect(fieldsOf(look)).toEqual({ from: '0', to: '25' })

  await world.produce(['{'])
  expect(await visit.post(path, { from: '3', to: '25' })).toMatchObject({ status: 409 })
  expect(await visit.post(path, { from: '0', to: '27' })).toMatchObject({ status: 409 })
  expect(await visit.post(path, fieldsOf(look))).toMatchObject({ status: 303 })

  const { rows } = await world.pool.query(
    'select stop_code, accepted_until::int from audit.partition_progress',
  )
  expect(rows).toEqual([{ stop_code: null, accepted_until: 25 }])
  expect(await visit.get(path)).toMatchObject({ status: 409 })
})

test('the group is taken over from the warehouse that was shown, and from no other', async () => {
  const { world, visit } = await aConsoleOf()
  const path = '/actions/take-over'
  expect(await visit.get(path)).toMatchObject({ status: 409 })
  const others = (name: string) =>
    commitFromOutside(world.kafka, world.groupId, world.topic, new Map([[0, { offset: 7, metadata: name }]]))
  await others('warehouse 1/<b>shop</b>')
  expect(await world.runOnce()).toMatchObject({ stopped: 1 })
  expect((await visit.get('/actions')).body).toContain(path)
  const look = await visit.get(path)
  expect(textOf(look)).toContain('are those of warehouse 1/<b>shop</b> . This is warehouse')
  expect(look.body).not.toContain('<b>shop')
  const form = { ...fieldsOf(look), confirm: world.groupId }

  expect(await visit.post(path, { ...form, confirm: 'yes' })).toMatchObject({ status: 409 })
  await others('warehouse 2/shop')
  expect(await visit.post(path, form)).toMatchObject({ status: 409 })
  await others('warehouse 1/<b>shop</b>')
  expect(await visit.post(path, form)).toMatchObject({ status: 303 })

  expect(await world.groupOffsets()).toEqual(new Map([[0, 0]]))
  expect(await world.watermarks()).toMatchObject([{ stop_code: null }])
  expect(textOf(await visit.get('/actions'))).toContain(
    `the group ${world.groupId} taken over from warehouse 1/<b>shop</b>`,
  )
})

test('a new incarnation needs the name typed, and the state that was shown', async () => {
  const { world, visit } = await aConsoleOf(aLiveMessage(), aLiveMessage())
  const path = '/actions/partitions/0/new-incarnation'
  const look = await visit.get(path)
  expect(textOf(look)).toContain('It holds offsets 0 to 2')
  const form = { ...fieldsOf(look), start: 'offset', offset: '1', confirm: `${world.topic}/0` }

  expect(await visit.post(path, { ...form, confirm: 'yes' })).toMatchObject({ status: 409 })
  expect(await visit.post(path, { ...form, offset: '' })).toMatchObject({ status: 400 })
  expect(await visit.post(path, { ...form, offset: '7' })).toMatchObject({ status: 409 })
  expect(await visit.post(path, form)).toMatchObject({ status: 303 })
  expect(await visit.post(path, form)).toMatchObject({ status: 409 })

  expect(await world.watermarks()).toMatchObject([{ incarnation: 2, next_offset: 1 }])
})

test('a data loss is acknowledged once, with a reason, and then no longer shown', async () => {
  const { world, visit } = await aConsoleOf(aLiveMessage())
  await world.pool.query(
    `insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset) values ($1, 0, 1, 5, 9)`,
    [world.topic],
  )
  const page = await visit.get('/actions')
  expect(textOf(page)).toContain(`${world.topic}/0: offsets 5 to 8`)
  const loss = { partition: '0', incarnation: '1', from: '5' }
  const path = '/actions/losses/acknowledge'
  expect(await visit.post(path, { ...loss, reason: '' })).toMatchObject({ status: 400 })
  expect(await visit.post(path, { ...loss, reason: 'INC-1' })).toMatchObject({ status: 303 })
  expect(await visit.post(path, { ...loss, reason: 'INC-2' })).toMatchObject({ status: 409 })
  expect((await visit.get('/actions')).body).not.toContain('Data losses')
})

test('a replay shows its plan first; its page has the figures', async () => {
  const { world, visit } = await aConsoleOver(await aWorldOfParcels({ partitions: 1 }), [
    aParcel({ fee: 100 }),
    aParcel({ fee: 10 }),
  ])
  const empty = { partition: '', from: '', to: '', since: '', until: '', reason: '' }
  const query = new URLSearchParams({ ...empty, kind: 'offsets', partition: '0', from: '0', dryRun: 'on' })
  const plan = await visit.get(`/actions/replay?${query.toString()}`)
  expect(textOf(plan)).toContain('2 offsets will be read again')
  expect(fieldsOf(plan)).toEqual({ kind: 'offsets', partition: '0', from: '0', dryRun: 'on' })
  expect((await readActions(world.pool, world.stream.name, 1)).length).toBe(0)

  const asked = await visit.post('/actions/replay', fieldsOf(plan))
  expect(asked.status).toBe(303)
  const page = asked.headers.location!
  expect(textOf(await visit.get(page))).toContain('It waits for a worker')
  await aReplayer(world)
  const done = await waitFor('the dry run to be done', async () => {
    const text = textOf(await visit.get(page))
    return text.includes('succeeded') ? text : undefined
  })
  expect(done).toContain(
    '2 facts would change, of 2 facts from 2 records. Nothing was changed: it is a dry run.',
  )
  expect(done).toContain('Surcharge EUR 9.35 22.00')
  expect(done).toContain('2 of 2 offsets (100 %)')

  expect(await visit.get('/actions/replay?kind=offsets')).toMatchObject({ status: 400 })
  const time = '/actions/replay?kind=time&since=2030-01-01T00:00&until='
  expect(textOf(await visit.get(time))).toContain('There is nothing to replay')
})

test('what goes on in the background is stopped and continued', async () => {
  const { world, visit } = await aConsoleOf('{')
  const asked = await visit.post('/dead-letters/dismiss', { expectedCount: '1', reason: 'test data' })
  const page = asked.headers.location!
  expect((await visit.get(page)).body).toContain('data-live="2"')
  expect(await visit.post(`${page}/stop`)).toMatchObject({ status: 303 })
  const stopped = await visit.get(page)
  expect(textOf(stopped)).toContain('stopped')
  expect(stopped.body).not.toContain('data-live')
  expect(await visit.post(`${page}/stop`)).toMatchObject({ status: 409 })

  expect(await visit.post(`${page}/continue`)).toMatchObject({ status: 303 })
  const background = await openBackground(world)
  await background.until({ id: Number(page.split('/').at(-1)) })
  expect(textOf(await visit.get(page))).toContain('1 dead letter dismissed.')
  expect(await visit.get('/actions/999')).toMatchObject({ status: 404 })
})

test('a test alert says what came of each channel', async () => {
  const { visit } = await aConsoleOf()
  const asked = await visit.post('/actions/test-alert')
  expect(textOf(await visit.get(asked.headers.location!))).toContain('No channel is set up')
})

test('a viewer reads the record and is refused at each route that acts; so is a form without its token', async () => {
  const { console, visit, world } = await aConsoleOf('{')
  await visit.post('/actions/pause', { reason: 'for the record' })
  const session = await console.logIn(VIEWER_PASSWORD, 'Vi')
  const viewer = visitAs(console, session)
  const page = await viewer.get('/actions')
  expect(textOf(page)).toContain('for the record')
  expect(textOf(page)).toContain('You may look and not act')
  expect(page.body).not.toMatch(/<form[^>]*action="\/actions/)

  const acting = routesOf(console.server)
    .filter(({ method, path }) => method === 'POST' && /^\/(actions|dead-letters|api)\b/.test(path))
    .map(({ path }) => path.replaceAll(/:[a-z]+/g, '1'))
  expect(acting.length).toBeGreaterThan(15)
  const statuses = await Promise.all(
    acting.map(async (path) => [
      path,
      (await viewer.post(path)).status,
      (await console.ask('POST', path, { cookie: session.cookie, form: {} })).status,
    ]),
  )
  expect(statuses).toEqual(acting.map((path) => [path, 403, 403]))

  const operator = await console.logIn()
  const form = { reason: 'x', expectedCount: '1' }
  for (const path of ['/actions/resume', '/dead-letters/dismiss'])
    expect(await console.ask('POST', path, { cookie: operator.cookie, form })).toMatchObject({ status: 403 })
  expect(await readActions(world.pool, world.stream.name, 10)).toHaveLength(1)
})
