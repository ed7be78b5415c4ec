import { expect, test } from 'vitest'
import { readOverview } from '../../etl/status/overview.ts'
import { readPoints } from '../../etl/status/flow.ts'
import type { StreamPages } from '../../etl/web/context.ts'
import { pages as declared } from '../../streams/pages.ts'
import { batch, known, loss, pause, present, run, stopped } from '../support/alert-situations.ts'
import { aConsoleServer, VIEWER_PASSWORD, type ConsoleServer } from '../support/console.ts'
import { stream } from '../support/stream.ts'
import { aWorld } from '../support/world.ts'

/** The pages that show: overview, runs and alerts, over HTTP and a real warehouse. */

const ofStreams: readonly StreamPages[] = declared

/** The topic of the statements in alert-situations. */
const TOPIC = { KAFKA_TOPIC: 't' }
const LIMITS = { KAFKA_TOPIC: 't', ALERT_LATE_SECONDS: 180, ALERT_DEAD_LETTER_RATIO: 0.05 }

async function looking(server: ConsoleServer, path: string): Promise<string> {
  const { cookie } = await server.logIn()
  const { status, body } = await server.ask('GET', path, { cookie })
  if (status !== 200) throw new Error(`${path}: ${status} ${body}`)
  return body
}

async function aConsole(...happened: readonly string[]) {
  const world = await aWorld({ withoutTopics: true })
  for (const statement of happened) await world.pool.query(statement)
  const server = await aConsoleServer(world, TOPIC)
  return { world, server, look: (path: string) => looking(server, path) }
}

const stateOf = (page: string) => /data-state="([^"]*)"/.exec(page)?.[1]

test('a warehouse where nothing ever happened: each page says so', async () => {
  const { look } = await aConsole()
  const overview = await look('/')
  expect(stateOf(overview)).toBe('No worker')
  expect(overview).toContain('Nothing waits for you.')
  expect(overview).toContain('No partition is known: nothing was loaded yet.')
  expect(await look('/runs')).toContain('There was no run yet.')
  expect(await look('/alerts')).toContain('Nothing is wrong.')
})

test.each<[string, readonly string[], RegExp]>([
  ['Idle', [present('w'), run({})], /All is well/],
  ['Running', [present('w'), run({ status: 'running' })], /0 records so far/],
  ['Failing', [present('w'), run({}), run({ status: 'failed', ago: 5 })], /it broke/],
  ['Paused', [present('w'), pause(60), run({})], /By ada.*the shop moves/s],
  [
    'Partition stopped',
    [present('w'), run({}), stopped(1, 'log_differs', 'another record')],
    /Partition 1 stopped.*waits for an operator/s,
  ],
  [
    'Late',
    [present('w'), run({ ago: 4_000 }), run({ status: 'failed', ago: 3_000 })],
    /No run has succeeded since/,
  ],
  [
    'No topic',
    [present('w'), run({}), `update audit.workers set problem = 'waits for its topic'`],
    /npm run topics/,
  ],
  ['Kafka unreachable', [present('w'), run({}), `update audit.workers set problem = 'out'`], /out/],
])('overview: %s', async (state, happened, words) => {
  const { look } = await aConsole(...happened)
  const page = await look('/')
  expect(stateOf(page)).toBe(state)
  expect(page).toMatch(words)
  expect(page).toContain(`<title>${state} · `)
})

test('what needs a person comes with its number and leads to where one acts', async () => {
  const { look } = await aConsole(
    run({}),
    known(0),
    loss(0, 10, 20),
    loss(1, 10, 20),
    `insert into audit.alerts (stream, rule, severity, summary, first_action) values ('${stream.name}', 'late', 'critical', 'So late', 'Look at it')`,
    `insert into audit.operator_actions (stream, action, target, requested_by, via, status, total, done)
     values ('${stream.name}', 'replay', '{}', 'ada', 'console', 'running', 2000, 500)`,
  )
  const page = await look('/')
  expect(page).toMatch(/1 open alert<.*href="\/alerts"/s)
  expect(page).toMatch(/2 unacknowledged data losses<.*href="\/actions"/s)
  expect(page).toMatch(/<progress\s+max="2000"\s+value="500"/)
  expect(page).toContain('500 of 2,000')
  expect(page).toContain('href="/actions/1"')
  const alerts = await look('/alerts')
  expect(alerts).toContain('So late')
  expect(alerts).toContain('Look at it')
})

test('lag: in records, how long, how fast it came and goes', async () => {
  const { world } = await aConsole(
    run({ ago: 10 }),
    batch({ ago: 10 }),
    `insert into audit.partition_progress (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start, log_end, log_seen_at, last_timestamp)
     values ('t', 0, '${stream.name}', 0, 1, 0, 100, 'c', 0, 700, now(), now() - interval '60 seconds'), ('t', 1, '${stream.name}', 1, 1, 0, 5, 'c', 0, 5, now(), now() - interval '60 seconds'),
            ('t', 2, '${stream.name}', 2, 1, 0, 0, 'c', 0, null, null, null), ('other', 0, '${stream.name}', 10000, 1, 0, 0, 'c', 0, 9, now(), now())`,
  )
  const { partitions } = await readOverview(world.pool, world.stream.name, LIMITS, '1h')
  expect(partitions).toMatchObject([
    { partition: 0, watermark: 100, lag: 600, drainRate: 250 }, // one offset in the 4 ms of its stages
    { partition: 1, lag: 0, lagMs: 0, arrivalRate: null, drainRate: null },
    { partition: 2, lag: null, lagMs: null, arrivalRate: null },
  ])
  expect(partitions[0]!.lagMs).toBeGreaterThanOrEqual(60_000)
  expect(partitions[0]!.arrivalRate).toBeCloseTo(10, 1)
})

test('charts: each minute of the hour, also those without a batch', async () => {
  const { world } = await aConsole(
    run({}),
    batch({ ago: 0, consumed: 50, dead: 10 }),
    run({}),
    batch({ ago: 90_000 }),
  )
  const hour = await readPoints(world.pool, 't', '1h')
  expect(hour).toHaveLength(61)
  expect(hour.reduce((sum, { loaded }) => sum + loaded, 0)).toBe(40)
  expect(hour.reduce((sum, { deadLettered }) => sum + deadLettered, 0)).toBe(10)
  expect(hour.every(({ at }, i) => i === 0 || at - hour[i - 1]!.at === 60)).toBe(true)
  expect(await readPoints(world.pool, 't', '24h')).toHaveLength(97)
})

const idsOf = (page: string) => [...page.matchAll(/<a href="\/runs\/(\d+)"/g)].map(([, id]) => Number(id))

test('runs: filter and paging', async () => {
  const { server, look } = await aConsole(
    `insert into audit.pipeline_runs (stream, kind, worker, status, started_at, finished_at, error)
     select '${stream.name}', case when i % 10 = 0 then 'manual' else 'tick' end, 'w' || i % 2, case when i = 30 then 'failed' else 'succeeded' end,
            now() - make_interval(mins => 200 - i), now(), case when i = 30 then 'it <broke>' end
     from generate_series(1, 120) i`,
  )
  const first = await look('/runs')
  expect(idsOf(first)).toEqual(Array.from({ length: 50 }, (_, i) => 120 - i))
  const older = /href="(\/runs\?before=\d+)"/.exec(first)![1]!
  expect(idsOf(await look(older))).toEqual(Array.from({ length: 50 }, (_, i) => 70 - i))
  expect(await look('/runs?before=21')).toContain('No older ones.')

  const failed = await look('/runs?status=failed&kind=&worker=&since=')
  expect(idsOf(failed)).toEqual([30])
  expect(failed).toContain('it &lt;broke&gt;')
  expect(idsOf(await look('/runs?kind=manual&worker=w0'))).toHaveLength(12)
  expect(idsOf(await look('/runs?worker=w1&kind=manual'))).toEqual([])
  expect(await look('/runs?worker=nobody')).toContain('No run is like that.')
  expect(idsOf(await look('/runs?since=1h'))).toEqual([])

  const { cookie } = await server.logIn()
  for (const wrong of ['status=broken', 'before=x', 'since=1y'])
    expect(await server.ask('GET', `/runs?${wrong}`, { cookie })).toMatchObject({ status: 400 })
  expect(await server.ask('GET', '/runs/999', { cookie })).toMatchObject({ status: 404 })
})

test('a run: its totals, its error in full, its batches with their stages, and pages of them', async () => {
  const { look } = await aConsole(
    run({ status: 'failed', error: `it broke ${'x'.repeat(500)} <b>` }),
    `insert into audit.pipeline_batches (topic, partition, incarnation, from_offset, to_offset, batch_id, run_id, consumed, loaded, dead_lettered,
       extract_ms, validate_ms, transform_ms, load_ms, loaded_at)
     select 't', i % 2, 1, i, i + 1, 't:' || i % 2 || ':' || i, 1, 1, 0, 1, 1, 2, 3, 4, now() - make_interval(secs => 300 - i) from generate_series(1, 250) i`,
    `update audit.pipeline_runs set batches = 250, consumed = 250, dead_lettered = 250`,
  )
  const first = await look('/runs/1')
  expect(first).toContain(`it broke ${'x'.repeat(500)} &lt;b&gt;</pre`)
  expect(first).toContain('&quot;run_id&quot;:1[,}]')
  expect(first).toContain('href="/dead-letters?text=t%3A1%3A1"')
  expect(first).toContain('<title>t:1:1: extract 1 ms, validate 2 ms, transform 3 ms, load 4 ms</title>')
  expect(first.match(/scope="row"/g)).toHaveLength(200)
  expect(first).toContain('href="/runs/1?page=2"')
  const second = await look('/runs/1?page=2')
  expect(second.match(/scope="row"/g)).toHaveLength(50)
  expect(second).not.toContain('page=3')
  expect(first).not.toContain('data-live=')
})

test('a run that goes on updates by itself, and counts its batches so far', async () => {
  const { look } = await aConsole(run({ status: 'running', took: 5 }), batch({ ago: 1, consumed: 77 }))
  const page = await look('/runs/1')
  expect(page).toContain('data-live="3"')
  expect(page).toMatch(/<dt>Consumed<\/dt>\s*<dd>77<\/dd>/)
})

test('who may only look sees the alerts, and no form to try them', async () => {
  const { server } = await aConsole()
  const pages = await Promise.all(
    [await server.logIn(), await server.logIn(VIEWER_PASSWORD)].map(({ cookie }) =>
      server.ask('GET', '/alerts', { cookie }),
    ),
  )
  expect(pages.map(({ body }) => body.includes('action="/actions/test-alert"'))).toEqual([true, false])
})

test('no page has inline script or style, which the policy would refuse', async () => {
  const { look } = await aConsole(present('w'), run({}), batch({}))
  for (const path of ['/', '/runs', '/runs/1', '/alerts', ...ofStreams.map((page) => page.path)]) {
    const page = await look(path)
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+="/)
    for (const [, attributes] of page.matchAll(/<script([^>]*)>/g))
      expect(attributes).toMatch(/src="\/assets\/|type="application\/json"/)
  }
})

test('every file that a page or another file asks for is served', async () => {
  const { server, look } = await aConsole()
  const wanted = [...(await look('/')).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!)
  const seen = new Set<string>()
  for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const { status, body } = await server.ask('GET', path)
    expect({ path, status }).toEqual({ path, status: 200 })
    wanted.push(
      ...[...body.matchAll(/(?:from |import\()'\.\/([a-z-]+\.js)'/g)].map(([, name]) => `/assets/${name}`),
    )
  }
  expect(seen).toContain('/assets/uplot.js')
  expect(seen).toContain('/assets/idiomorph.js')
})
