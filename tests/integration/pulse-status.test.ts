import { expect, inject, test } from 'vitest'
import type { Status } from '../../etl/status/status.ts'
import { stream } from '../support/stream.ts'
import { createDatabase } from '../support/database.ts'
import { runPulse } from '../support/pulse.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'
import { waitFor } from '../support/wait-for.ts'

/** `pulse status` and `pulse runs`, as processes. */

const NOWHERE = '127.0.0.1:1'

test('on an empty warehouse it shows what Kafka holds, and that nothing was loaded', async () => {
  const world = await aWorld({ partitions: 2 })
  await world.produce([aLiveMessage(), aLiveMessage()], { partition: 1 })
  const { code, out, err } = await runPulse(world.env, ['status'])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^1 +- +0 +2 +2 +- +never loaded$/m)
  expect(out).toContain('Last run      none yet')
  expect(out).toContain('Freshness     nothing was loaded yet')
})

test('on a live one: watermark, lag, group offset, the last run, freshness, what waits for an operator', async () => {
  const world = await aWorld({ partitions: 1 })
  const worker = await world.openWorker()
  await world.produce([aLiveMessage(), aLiveMessage(), '{'])
  await worker.runOnce()
  await world.produce([aLiveMessage()])
  await world.pool.query('update audit.dead_letters set published_at = null')
  const { code, out } = await runPulse(world.env, ['status', '--json'])
  expect(code).toBe(0)
  const status = JSON.parse(out) as Status
  expect(status).toMatchObject({
    topic: world.topic,
    kafka: { topicExists: true, error: null },
    partitions: [
      {
        partition: 0,
        incarnation: 1,
        watermark: 3,
        logStart: 0,
        logEnd: 4,
        lag: 1,
        groupOffset: 3,
        stopCode: null,
      },
    ],
    lastRun: { status: 'succeeded', consumed: 3, loaded: 2, duplicate: 0, deadLettered: 1, batches: 1 },
    freshness: { batches: 1 },
    unpublishedDeadLetters: 1,
    openDataLosses: 0,
  })
  expect(status.freshness.waitedP50Ms).toBeGreaterThan(0)
  expect(status.freshness.newestRecordAgeMs).toBeLessThan(60_000)

  const text = (await runPulse(world.env, ['status'])).out
  expect(text).toMatch(/^0 +3 +0 +4 +1 +3 +behind$/m)
  expect(text).toContain('3 consumed = 2 loaded + 0 duplicate + 1 dead-lettered, in 1 batch')
  expect(text).toContain('1 waits to be published')
})

test('a partition that stands still is shown with its reason and the command that helps', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.pool.query(
    `insert into audit.partition_progress (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start, stopped_at, stop_code, stop_reason)
     values ($1, 0, '${stream.name}', 0, 1, 0, 0, 'x', 0, now(), 'mass_rejection', E'too many\\u001b[31m')`,
    [world.topic],
  )
  const { out } = await runPulse(world.env, ['status'])
  expect(out).toMatch(
    /❌ partition 0 stands still since \S+Z \(mass_rejection\): too many\\u001b\[31m\. pulse partitions continue 0/,
  )
  expect(out).not.toContain('\u001b')
})

test('without Kafka it says so, and tells what the warehouse knows', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([aLiveMessage()])
  await world.runOnce()
  const { code, out } = await runPulse({ ...world.env, KAFKA_BROKERS: NOWHERE }, ['status'])
  expect(code).toBe(0)
  expect(out).toContain(`⚠️ Kafka at ${NOWHERE}: `)
  expect(out).toMatch(/^0 +1 +- +- +- +- +unknown$/m)
})

test('--watch --json prints one object in a line, again and again', async () => {
  const world = await aWorld({ partitions: 1 })
  const child = world.startProgram('scripts/pulse.ts', ['status', '--watch', '1', '--json'])
  const lines = await waitFor(
    'two lines',
    () => child.output().split('\n').length > 2 && child.output().split('\n'),
  )
  const seen = lines.slice(0, 2).map((line) => JSON.parse(line) as Status)
  expect(Date.parse(String(seen[1]!.at)) - Date.parse(String(seen[0]!.at))).toBeGreaterThan(900)
  child.kill('SIGINT')
  await child.exited
})

test('a warehouse that does not answer is one line without the password', async () => {
  const env = { KAFKA_BROKERS: NOWHERE, DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/warehouse' }
  for (const command of ['status', 'reconcile', 'runs']) {
    const { code, out, err } = await runPulse(env, [command])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe('the warehouse at 127.0.0.1:1/warehouse: connect ECONNREFUSED 127.0.0.1:1\n')
  }
})

test('a warehouse that was never migrated says what to run', async () => {
  const database = await createDatabase(inject('databaseUrl'))
  const { code, err } = await runPulse({ KAFKA_BROKERS: NOWHERE, DATABASE_URL: database.url }, ['status'])
  await database.drop()
  expect({ code, err }).toEqual({ code: 1, err: 'the warehouse was never migrated: run npm run migrate\n' })
})

test('wrong use exits 2: an unknown command with a guess, a bad option, a bad environment', async () => {
  const guess = await runPulse({}, ['reconcil'])
  expect(guess).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Did you mean reconcile?') })
  expect(await runPulse({}, [])).toMatchObject({ code: 2, out: '' })
  expect(await runPulse({}, ['runs', '--status', 'x'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('failed'),
  })
  const unset = await runPulse({}, ['status'])
  expect(unset).toMatchObject({ code: 2, err: expect.stringContaining('DATABASE_URL is not set') })
})

test.each([['--help'], ['status', '--help'], ['partitions', 'continue', '--help']])(
  'help begins with examples: %s',
  async (...args) => {
    const { code, out } = await runPulse({}, args)
    expect(code).toBe(0)
    expect(out).toMatch(/^Examples:\n {2}npm run pulse -- /)
    expect(out).toContain('Usage: pulse')
  },
)

test('runs: newest first, limited, by status; tab-separated in a pipe', async () => {
  const world = await aWorld({ partitions: 1, env: { ETL_RUN_BUDGET_MS: '600000' } })
  await world.pool.query(
    `insert into audit.pipeline_runs (stream, kind, worker, status, started_at, finished_at, consumed, loaded, error)
     values ('${stream.name}', 'tick', 'w', 'succeeded', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01.5Z', 12000, 12000, null),
            ('${stream.name}', 'manual', 'w', 'failed', '2026-01-01T00:01:00Z', '2026-01-01T00:01:01Z', 0, 0, E'a\\tb\\nc')`,
  )
  const all = await runPulse(world.env, ['runs'])
  expect(all.out.split('\n').map((line) => line.split('\t').slice(2, 8))).toEqual([
    ['kind', 'status', 'started', 'took', 'batches', 'consumed'],
    ['manual', 'failed', '2026-01-01T00:01:00.000Z', '1.0 s', '0', '0'],
    ['tick', 'succeeded', '2026-01-01T00:00:00.000Z', '1.5 s', '0', '12000'],
    [],
  ])
  expect(all.out).toContain(String.raw`a\u0009b\u000ac`)
  const failed = await runPulse(world.env, ['runs', '--status', 'failed', '--limit', '1', '--json'])
  expect(JSON.parse(failed.out)).toMatchObject([{ kind: 'manual', status: 'failed', durationMs: 1000 }])
})
