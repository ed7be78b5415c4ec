import { expect, test } from 'vitest'
import { openBackground } from '../support/background.ts'
import { aConsoleServer, API_TOKEN, routesOf, type ConsoleServer } from '../support/console.ts'
import { aBrokenMessage, asStored, broken, identityOf, mended, roles } from '../support/messages.ts'
import { aLiveMessage, aWorld, type Message } from '../support/world.ts'
import { stream } from '../support/stream.ts'

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** A program with the API token. */
function programAt(console: ConsoleServer) {
  const send = async (method: string, path: string, body?: unknown): Promise<Reply> => {
    const answer = await fetch(`${console.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${API_TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return {
      status: answer.status,
      headers: answer.headers,
      body: (await answer.json()) as Record<string, unknown>,
    }
  }
  return {
    get: (path: string) => send('GET', path),
    post: (path: string, body?: unknown) => send('POST', path, body),
  }
}

async function anApiOf(...messages: Message[]) {
  const world = await aWorld({ partitions: 1 })
  await world.produce(messages)
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const console = await aConsoleServer(world)
  return { world, console, program: programAt(console), ids: (await world.deadLetters()).map(({ id }) => id) }
}

const base64 = (value: Buffer | object) =>
  (Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))).toString('base64')

test('status, runs and one run, with the fields of pulse --json', async () => {
  const { world, program } = await anApiOf(aLiveMessage(), '{')
  expect(await program.get('/status')).toMatchObject({
    status: 200,
    body: {
      topic: world.topic,
      paused: null,
      partitions: [{ partition: 0, watermark: 2, lag: 0 }],
      lastRun: { status: 'succeeded', consumed: 2, deadLettered: 1 },
    },
  })
  const { body } = await program.get('/runs?limit=1&status=succeeded')
  expect(body).toMatchObject({ items: [{ loaded: 1, deadLettered: 1 }], next: null })
  const [run] = body['items'] as { id: number }[]
  expect(await program.get(`/runs/${run!.id}`)).toMatchObject({ status: 200, body: run })
  expect(await program.get('/runs/999')).toMatchObject({
    status: 404,
    body: { error: { code: 'not_found' } },
  })
})

test('a dead letter is found, checked, corrected and redriven by a program, and then loaded', async () => {
  const bad = aBrokenMessage()
  const good = mended(bad)
  const { world, program, ids } = await anApiOf(bad, Buffer.from([0xff, 0]))
  expect((await program.get('/dead-letters/groups')).body).toMatchObject({
    items: [
      { failure: 'malformed_json', count: 1 },
      {
        failure: `schema_violation ${roles.other}`,
        field: roles.other,
        count: 1,
        waiting: 0,
        sample: { id: ids[0] },
      },
    ],
  })
  expect((await program.get('/dead-letters?limit=1')).body).toMatchObject({
    count: 2,
    items: [{ id: ids[1] }],
    next: ids[1],
  })
  expect((await program.get(`/dead-letters?limit=1&before=${ids[1]}`)).body).toMatchObject({
    items: [{ id: ids[0] }],
    next: null,
  })
  expect((await program.get(`/dead-letters/${ids[1]}`)).body).toMatchObject({
    value: { bytes: 2, base64: '/wA=', text: null },
    key: { text: 'customer-1' },
    headers: [],
    chain: [{ id: ids[1] }],
  })

  const check = (value: string) => program.post(`/dead-letters/${ids[0]}/check`, { value })
  expect(await check(base64({ ...bad, ...broken(2) }))).toMatchObject({
    status: 200,
    body: { accepted: false, code: 'schema_violation', issues: [{ field: roles.other }] },
  })
  const value = base64(good)
  expect((await check(value)).body).toEqual({ accepted: true })

  const asked = await program.post('/dead-letters/redrive', {
    filter: { ids: [ids[0]] },
    value,
    reason: 'INC-7',
    expectedCount: 1,
  })
  expect(asked).toMatchObject({
    status: 202,
    body: { action: 'redrive', requestedBy: 'API token', via: 'api', reason: 'INC-7', status: 'pending' },
  })
  const location = asked.headers.get('location')!
  expect(location).toBe(`/api/v1/actions/${String(asked.body['id'])}`)
  const background = await openBackground(world)
  await background.until({ id: Number(asked.body['id']) })
  await world.runOnce()
  expect(await program.get(location.replace('/api/v1', ''))).toMatchObject({
    body: { status: 'succeeded', result: { sent: 1 } },
  })
  expect((await program.get(`/dead-letters/${ids[0]}`)).body).toMatchObject({
    resolution: expect.stringContaining('loaded in') as string,
  })
  expect(await world.facts()).toMatchObject([{ identity: identityOf(good), ...asStored(good) }])
})

test('what is wrong with a request is a document with a code and a sentence, and nothing is done', async () => {
  const { world, program, ids, console } = await anApiOf('{', '[')
  const bad: [string, unknown, number, string][] = [
    ['/dead-letters/dismiss', { filter: {}, reason: 'x', expectedCount: 1 }, 409, 'refused'],
    ['/dead-letters/dismiss', { filter: {} }, 400, 'invalid'],
    ['/dead-letters/dismiss', { filter: { nonsense: 1 }, reason: 'x' }, 400, 'invalid'],
    ['/dead-letters/redrive', { filter: {}, value: '####' }, 400, 'invalid'],
    ['/dead-letters/redrive', { filter: {}, value: '' }, 409, 'refused'],
    ['/dead-letters/redrive', { filter: { ids: [999] } }, 404, 'not_found'],
    ['/partitions/0/continue', undefined, 409, 'refused'],
    ['/partitions/take-over', undefined, 409, 'refused'],
    ['/partitions/0/new-incarnation', { from: 'end' }, 400, 'invalid'],
    ['/losses/acknowledge', { partition: 0, incarnation: 1, from: 0, reason: 'x' }, 409, 'refused'],
    ['/replay', { range: { kind: 'all' } }, 400, 'invalid'],
    ['/replay', { range: { kind: 'offsets', partition: 0, from: 9 }, dryRun: true }, 409, 'refused'],
    ['/actions/999/stop', undefined, 404, 'not_found'],
    ['/resume', undefined, 409, 'refused'],
  ]
  for (const [path, body, status, code] of bad)
    expect([path, await program.post(path, body)]).toMatchObject([
      path,
      { status, body: { error: { code, message: expect.stringMatching(/\S/) as string } } },
    ])
  expect(await program.get(`/dead-letters?limit=x`)).toMatchObject({ status: 400 })
  expect(await program.get(`/dead-letters?ids=${ids[0]}&nonsense=1`)).toMatchObject({ status: 400 })
  const stranger = await fetch(`${console.url}/api/v1/status`)
  expect([stranger.status, await stranger.json()]).toMatchObject([401, { error: { message: /token/ } }])
  expect((await world.pool.query('select from audit.operator_actions')).rowCount).toBe(0)
})

test('the switch, a replay, losses and alerts', async () => {
  const { world, program } = await anApiOf(aLiveMessage())
  expect(await program.post('/pause', { reason: 'upgrade' })).toMatchObject({
    status: 200,
    body: { action: 'pause', reason: 'upgrade', status: 'succeeded' },
  })
  expect((await program.get('/status')).body).toMatchObject({
    paused: { by: 'API token', reason: 'upgrade' },
  })
  expect(await program.post('/resume')).toMatchObject({ status: 200 })
  expect(await program.post('/run')).toMatchObject({ status: 200, body: { action: 'run_now' } })

  const replay = await program.post('/replay', { range: { kind: 'all' }, dryRun: true })
  expect(replay).toMatchObject({ status: 202, body: { action: 'replay', total: 1, status: 'pending' } })
  const id = String(replay.body['id'])
  expect(await program.post(`/actions/${id}/stop`)).toMatchObject({
    status: 202,
    body: { status: 'stopped' },
  })
  expect(await program.post(`/actions/${id}/continue`)).toMatchObject({ body: { status: 'pending' } })
  expect((await program.get('/actions?limit=2')).body).toMatchObject({
    items: [{ action: 'continue_action', target: { action: Number(id) } }, { action: 'stop_action' }],
    next: expect.any(Number) as number,
  })

  await world.pool.query(
    `insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset) values ($1, 0, 1, 5, 9)`,
    [world.topic],
  )
  expect((await program.get('/losses')).body).toMatchObject({
    items: [{ from: 5, to: 9, acknowledgedBy: null }],
  })
  const loss = { partition: 0, incarnation: 1, from: 5, reason: 'INC-1' }
  expect(await program.post('/losses/acknowledge', loss)).toMatchObject({ status: 200 })
  expect(await program.post('/partitions/0/new-incarnation', { from: 'beginning' })).toMatchObject({
    status: 200,
    body: { target: { incarnation: 2, offset: 0 } },
  })

  await world.pool.query(
    `insert into audit.alerts (stream, rule, severity, summary, first_action) values ('${stream.name}', 'late', 'critical', 'It is late', 'Look')`,
  )
  expect((await program.get('/alerts?open=true')).body).toMatchObject({
    items: [{ rule: 'late', endedAt: null }],
  })
  expect(await program.post('/alerts/test')).toMatchObject({ status: 200, body: { channels: [] } })
})

test('a browser’s session may use the API with its token, and not without', async () => {
  const { console, world } = await anApiOf('{')
  const { cookie, csrfToken } = await console.logIn()
  const post = (headers: Record<string, string>) =>
    fetch(`${console.url}/api/v1/run`, { method: 'POST', headers: { cookie, ...headers } })
  expect((await post({})).status).toBe(403)
  expect((await post({ 'x-csrf-token': csrfToken })).status).toBe(200)
  const { rows } = await world.pool.query('select requested_by, via from audit.operator_actions')
  expect(rows).toEqual([{ requested_by: 'Ada', via: 'api' }])
})

test('the OpenAPI document describes every route, to anybody', async () => {
  const world = await aWorld({ partitions: 1 })
  const console = await aConsoleServer(world)
  const answer = await fetch(`${console.url}/api/v1/openapi.json`)
  expect(answer.status).toBe(200)
  const document = (await answer.json()) as {
    openapi: string
    components: { schemas: Record<string, unknown> }
    paths: Record<string, Record<string, { summary?: string; responses: Record<string, unknown> }>>
  }
  expect(document.openapi).toBe('3.1.0')
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, responses }]) => {
      expect([path, summary]).toEqual([path, expect.stringMatching(/^\S/)])
      expect(Object.keys(responses).length).toBeGreaterThan(1)
      return `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`
    }),
  )
  const routes = routesOf(console.server)
    .filter(
      ({ method, path }) => path.startsWith('/api/') && method !== 'HEAD' && !path.endsWith('openapi.json'),
    )
    // Those of each stream are the same under its name.
    .filter(({ path }) => !path.startsWith('/api/v1/streams/'))
    .map(({ method, path }) => `${method} ${path}`)
  expect(described.sort()).toEqual(routes.sort())
  const dismiss = JSON.stringify(document.paths['/api/v1/dead-letters/dismiss']!['post'])
  expect(dismiss).toContain('expectedCount')
  // What it refers to is there, and nothing else.
  const text = JSON.stringify(document)
  const referred = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!))
  expect(Object.keys(document.components.schemas).sort()).toEqual([...referred].sort())
})
