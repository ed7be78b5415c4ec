import { expect, test } from 'vitest'
import { keepPresence } from '../../etl/operations/presence.ts'
import { aReplayer, notByNewRules, settled } from '../support/replayer.ts'
import { runPulse } from '../support/pulse.ts'
import { waitFor } from '../support/wait-for.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import type { World } from '../support/world.ts'

const pulse = (world: World, ...args: string[]) => runPulse(world.env, args)

async function aLoadedWorld(): Promise<World> {
  const world = await aWorldOfParcels({ partitions: 1 })
  const parcel = aParcel({ fee: 100 })
  await world.produce([parcel, aParcel({ fee: 10 }), parcel, '{', aParcel({ fee: 2_000 })])
  await world.runOnce()
  return world
}

test('replay says what would change, asks, does it and shows what changed', async () => {
  const world = await aLoadedWorld()
  await aReplayer(world)

  const dry = await pulse(world, 'replay', '--all', '--dry-run')
  expect(dry).toMatchObject({
    code: 0,
    err: expect.stringContaining(`5 offsets will be read again:\n  ${world.topic}/0: offsets 0 to 4`),
  })
  expect(dry.out).toContain('3 facts would change, of 3 facts from 5 records.')
  expect(dry.out).toContain('1 record not valid by the current code')
  expect(dry.out).toContain('1 record without a fact')
  expect(dry.out).toMatch(/\n +before +after\ndear +1 +2\nsurcharge EUR +179\.35 +422\.00\n/)
  for (const change of ['surcharge 8.50 → 20.00', 'is_dear false → true', 'rank 0 → 30'])
    expect(dry.out).toContain(change)
  expect(dry.out).toContain(String.raw`remarks [] → ["over \"50\", \\"]`)
  expect(dry.out).toContain('Nothing was changed')
  expect(await notByNewRules(world)).toHaveLength(3)

  const unasked = await pulse(world, 'replay', '--partition', '0', '--from', '1')
  expect(unasked).toMatchObject({ code: 2, out: '', err: expect.stringContaining('add --yes') })
  expect(unasked.err).toContain(`${world.topic}/0: offsets 1 to 4`)

  const why = ['--by', 'ana', '--reason', 'INC-42']
  const some = await pulse(world, 'replay', '--partition', '0', '--from', '1', '--yes', '--json', ...why)
  expect(some.code).toBe(0)
  expect(JSON.parse(some.out)).toMatchObject({
    dryRun: false,
    offsets: 4,
    ranges: [{ partition: 0, from: 1, to: 5 }],
    records: 4,
    changed: 2,
    surcharge: { EUR: { before: '170.85', after: '402.00' } },
  })
  const all = await pulse(world, 'replay', '--since', '1h', '--yes')
  expect(all.out).toContain('1 fact changed, of 3 facts from 5 records.')
  expect(await notByNewRules(world)).toEqual([])

  const list = JSON.parse((await pulse(world, 'actions', '--json')).out) as object[]
  expect(list).toMatchObject([
    { action: 'replay', status: 'succeeded', done: 5, total: 5, target: { range: { kind: 'time' } } },
    { action: 'replay', requestedBy: 'ana', via: 'pulse', reason: 'INC-42', done: 4 },
    { action: 'replay', target: { dryRun: true } },
  ])
  await world.assertBalanced()
})

test('a worker that was started with other rules replays what was loaded by the old one', async () => {
  const world = await aLoadedWorld()
  const etl = world.startEtl({ PARCELS_PER_MILLE: '200' })
  await etl.waitForLine('ready')

  const dry = await pulse(world, 'replay', '--all', '--dry-run')
  expect(dry.out).toContain('3 facts would change')
  const { code, out } = await pulse(world, 'replay', '--all', '--yes')

  expect(code).toBe(0)
  expect(out).toContain('3 facts changed')
  expect((await world.facts()).map(({ surcharge }) => surcharge)).toEqual(['20.00', '2.00', '400.00'])
  expect(await pulse(world, 'reconcile', '--deep')).toMatchObject({ code: 0 })
  await world.assertBalanced()
  expect(await etl.stop()).toBe(0)
})

test('what makes no sense is said before anything is done', async () => {
  const world = await aLoadedWorld()
  const wrong: [string[], string][] = [
    [[], 'Usage: pulse replay'],
    [['--all', '--since', '2h'], 'Only one of --all'],
    [['--partition', '0'], 'needs --partition and --from'],
    [['--from', '1'], 'needs --partition and --from'],
    [['--partition', '0', '--from', '5', '--to', '5'], '--to 5 is not after --from 5'],
    [['--until', '2h'], '--until needs --since'],
    [['--since', '1h', '--until', '2h'], '--until is not after --since'],
    [['--all', '--reason', ' '], '--reason is empty'],
  ]
  for (const [args, says] of wrong)
    expect(await pulse(world, 'replay', ...args, '--yes')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(says),
    })
  const nothing = await pulse(world, 'replay', '--partition', '0', '--from', '9', '--yes')
  expect(nothing).toMatchObject({ code: 1, err: expect.stringContaining('There is nothing to replay.') })
  expect((await pulse(world, 'actions')).out.split('\n')).toHaveLength(2)
})

test('actions: what waits is stopped and continued, and another replay meanwhile is refused', async () => {
  const world = await aLoadedWorld()
  const asked = await pulse(world, 'replay', '--all', '--yes', '--no-wait')
  expect(asked).toMatchObject({ code: 0, out: expect.stringContaining('Action 1 waits for a worker.') })
  const second = await pulse(world, 'replay', '--all', '--dry-run')
  expect(second).toMatchObject({ code: 1, err: expect.stringContaining('pulse actions stop 1') })

  expect((await pulse(world, 'actions', 'stop', '1')).out).toContain('Action 1 (replay) is stopped.')
  expect(await pulse(world, 'actions', 'stop', '1')).toMatchObject({ code: 1, out: '' })
  expect(await pulse(world, 'actions', 'stop', '7')).toMatchObject({
    code: 1,
    err: expect.stringContaining('There is no action 7'),
  })
  expect((await pulse(world, 'actions', 'continue', '1')).out).toContain('goes on when a worker takes it')
  await aReplayer(world)
  await settled(world, 1, 'succeeded')
  const [heading, ...lines] = (await pulse(world, 'actions', 'list')).out
    .split('\n')
    .map((row) => row.split('\t'))
  const line = lines.find(([id]) => id === '1')
  expect(heading?.join(' ')).toBe('id asked action status done total by run reason error target')
  expect(line).toMatchObject({ 0: '1', 2: 'replay', 3: 'succeeded', 4: '5', 5: '5' })
})

test('pause, resume and trigger reach the workers through the warehouse', async () => {
  const world = await aLoadedWorld()
  expect(await pulse(world, 'pause')).toMatchObject({ code: 2, err: expect.stringContaining('--reason') })
  expect(await pulse(world, 'pause', '--reason', 'INC-42')).toMatchObject({ code: 0, err: '' })
  expect((await pulse(world, 'status')).out).toMatch(/paused since .*: INC-42\. pulse resume/)
  expect(await pulse(world, 'pause', '--reason', 'again')).toMatchObject({
    code: 1,
    err: expect.stringContaining('paused already'),
  })
  expect(await pulse(world, 'trigger')).toMatchObject({ code: 1, err: expect.stringContaining('resume it') })
  expect(await pulse(world, 'resume')).toMatchObject({ code: 0, err: '' })
  expect((await pulse(world, 'status')).out).not.toContain('paused')
  expect(await pulse(world, 'resume')).toMatchObject({ code: 1, err: expect.stringContaining('not paused') })

  expect(await pulse(world, 'trigger')).toMatchObject({
    code: 1,
    err: expect.stringContaining('No worker is there to run'),
  })
  const worker = await world.openWorker({ owns: [0] })
  const { pool } = worker.pipeline
  const { worker: name, logger } = worker.settings
  const there = {
    stream: world.stream.name,
    schedule: '* * * * * *',
    contractHash: '',
    longestStepMs: 0,
    nextTickAt: undefined,
    partitions: [0],
    problem: undefined,
  }
  const presence = keepPresence(pool, name, () => [there], logger)
  await waitFor('the worker to be there', async () => {
    const { rowCount } = await world.pool.query('select from audit.workers')
    return rowCount === 1
  })
  const told = await pulse(world, 'trigger')
  expect(told).toMatchObject({ code: 0, out: `1 worker told to run: ${name}\n` })
  const inVain = await pulse(world, 'trigger', '--wait', '--timeout', '1')
  expect(inVain).toMatchObject({ code: 1, err: expect.stringContaining(`no run has ended of: ${name}`) })

  await world.produce([aParcel()])
  const waiting = pulse(world, 'trigger', '--wait')
  await waitFor('the bell to be rung', async () => {
    const { rows } = await world.pool.query<{ n: number }>(
      "select run_requests::int as n from audit.control where stream = ''",
    )
    return rows[0]!.n === 5 // with the one of resume
  })
  const { runId } = await worker.runOnce()
  expect(await waiting).toMatchObject({
    code: 0,
    out: expect.stringContaining(`Run ${runId} (${name}) succeeded, 1 record`),
  })
  await presence.stop()
})
