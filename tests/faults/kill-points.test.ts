import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, test, vi, type TestContext } from 'vitest'
import type { Child } from '../support/child.ts'
import { consumed, progressTo, SMALL_BATCHES } from '../support/fault-backlog.ts'
import { fastLoads, slowLoads } from '../support/fault-slow-loads.ts'
import { expectAcknowledged } from '../support/fault-totals.ts'
import { shares } from '../support/fault-worker.ts'
import { aSender, type Sender } from '../support/sender.ts'
import { stream } from '../support/stream.ts'
import { verdict } from '../support/verdict.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'
import { GO_ON, POINT_NAMES, reached, strikeAt, type PointName } from './support/points.ts'
import { seeded } from './support/seed.ts'
import { beforeKafka, beforePostgres, type TcpProxy } from './support/tcp-proxy.ts'
import { expectInThreeTicks } from './support/three-ticks.ts'

// They wait for sessions of the group to end, not for the processor.
vi.setConfig({ testTimeout: 240_000, maxConcurrency: 8 })

const FAULTS = ['kill -9', 'SIGSTOP', 'connection cut'] as const
type Fault = (typeof FAULTS)[number]

/** Twice the session of a world's group. */
const FROZEN_MS = 12_000
const BATCH = Number(SMALL_BATCHES.BATCH_SIZE)
const BACKLOG = 300
const PATIENT = { limitMs: 90_000, everyMs: 200 }

interface Expected {
  /** What can be seen from outside when the job is there, having loaded so many records. */
  readonly seen: (loaded: number) => object
  /** The job comes there with each batch, so that chance decides with which it is struck. */
  readonly eachBatch?: true
  /** What is cut. */
  readonly before: (env: World['env']) => Promise<TcpProxy>
  /** What the struck worker has to say of it when it goes on. */
  readonly says?: Partial<Record<Fault, readonly string[]>>
}

const session = (pattern: string) => [expect.stringMatching(pattern)]
const ERROR = 50
const RETRIED = ['the load failed, trying again']
/** What it commits to a group that has expelled it. */
const REFUSED = ['The coordinator is not aware of this member', 'loaded, but the group refused the offset']

const POINTS: Record<PointName, Expected> = {
  'after fetch': { seen: () => ({ transactions: [], loaded: 0, group: -1 }), before: beforeKafka },
  'after BEGIN': {
    seen: (loaded) => ({ transactions: session('^idle in transaction: begin'), locked: false, loaded }),
    eachBatch: true,
    before: beforePostgres,
    says: { 'connection cut': RETRIED },
  },
  'watermark locked': {
    seen: (loaded) => ({
      transactions: session('^idle in transaction: select .* for update$'),
      locked: true,
      loaded,
    }),
    eachBatch: true,
    before: beforePostgres,
    says: { SIGSTOP: RETRIED, 'connection cut': RETRIED },
  },
  'mid-statement': {
    seen: (loaded) => ({
      transactions: session(`^PgSleep: insert into warehouse.${stream.name} `),
      locked: true,
      loaded,
    }),
    before: beforePostgres,
    says: { SIGSTOP: RETRIED, 'connection cut': RETRIED },
  },
  'before COMMIT': {
    seen: (loaded) => ({
      transactions: session('^idle in transaction: update audit.partition_progress'),
      locked: true,
      loaded,
    }),
    eachBatch: true,
    before: beforePostgres,
    says: { SIGSTOP: RETRIED, 'connection cut': RETRIED },
  },
  'COMMIT sent, answer not read': {
    seen: (loaded) => ({ transactions: [], loaded: loaded + BATCH, group: -1 }),
    before: beforePostgres,
    says: { 'connection cut': RETRIED },
  },
  'before publish': {
    seen: () => ({ transactions: [], published: 'none', marked: 'none', group: -1 }),
    before: beforeKafka,
  },
  'mid-publish': {
    seen: () => ({ transactions: [], published: 'some', marked: 'none', group: -1 }),
    before: beforeKafka,
  },
  'published, not marked': {
    seen: () => ({ transactions: [], published: 'all', marked: 'none', group: -1 }),
    before: beforePostgres,
  },
  'before offset commit': {
    seen: () => ({ transactions: [], published: 'all', marked: 'all', group: -1 }),
    before: beforeKafka,
    says: { SIGSTOP: REFUSED },
  },
  'during shutdown': {
    seen: () => ({ transactions: [], published: 'all', marked: 'all', group: expect.any(Number) }),
    before: beforeKafka,
  },
}

const COMBINATIONS = POINT_NAMES.flatMap((point) => FAULTS.map((fault) => [fault, point] as const))

// The first migration on a server makes its roles; those beside it would have to wait.
beforeAll(async () => (await aWorld({ withoutTopics: true })).cleanUp())

test.concurrent.for(COMBINATIONS)(
  '%s %s: the job goes on, nothing is lost and nothing is loaded twice',
  async ([fault, point], context) => {
    const struck = await aStruckWorker(fault, point, context)
    const { world, sender, worker } = struck

    const workers = await STRIKES[fault](struck)

    await sender.send(100)
    await expectInThreeTicks(world, async () => {
      await world.drained(PATIENT)
      await expectAcknowledged(world)
    })
    expect(await verdict({ ...world, sent: sender.log })).toEqual([])
    expect(await Promise.all(workers.map((one) => one.stop()))).toEqual(workers.map(() => 0))
    const said = worker.output()
    expect(POINTS[point].says?.[fault]?.filter((words) => !said.includes(words)) ?? []).toEqual([])
    // Runs may fail where every connection is reset; from all else the job recovers without one that does.
    const isReset = fault === 'connection cut' && struck.answerLost === undefined
    expect(isReset ? [] : errors([worker, ...workers])).toEqual([])
  },
)

/** A worker that stands at a point, by its own word and by what others can see of it. */
interface Struck {
  readonly world: World
  readonly sender: Sender
  readonly worker: Child
  readonly point: PointName
  /** Between the worker and the server that the point is about. */
  readonly proxy: TcpProxy
  /** Resolves when the answer to its COMMIT was thrown away, where that is the cut. */
  readonly answerLost: Promise<void> | undefined
}

async function aStruckWorker(
  fault: Fault,
  point: PointName,
  { onTestFinished, onTestFailed, expect: expectHere }: TestContext,
): Promise<Struck> {
  const { seen, eachBatch, before } = POINTS[point]
  const random = seeded(COMBINATIONS.findIndex(([f, p]) => f === fault && p === point))
  const passes = eachBatch === true ? random.between(0, BACKLOG / BATCH - 1) : 0
  const world = await aWorld({ partitions: 1, onTestFinished })
  const proxy = await before(world.env)
  onTestFinished(() => proxy.close())
  const sender = aSender({ ...world, partitions: 1, seed: random.uint32() })
  onTestFinished(() => sender.close())
  await sender.send(BACKLOG)
  if (point === 'mid-statement') await slowLoads(world.pool, 3)
  const isAnswerLost = point === 'COMMIT sent, answer not read' && fault === 'connection cut'
  const answerLost = isAnswerLost ? proxy.cutAfter('lock-progress', 'commit\0') : undefined

  const worker = world.startProgram('tests/faults/support/struck-worker.ts', [], {
    ...SMALL_BATCHES,
    ...proxy.env,
    ...strikeAt(point, passes),
  })
  onTestFailed(
    () => void process.stderr.write(`The struck worker wrote:\n${worker.output().slice(-4_000)}\n`),
  )
  if (point === 'during shutdown') {
    await progressTo(world, 1, PATIENT.limitMs)
    worker.kill('SIGTERM')
  }
  await worker.waitForLine(reached(point), PATIENT)
  await expectHere
    .poll(() => lookAt(world), { timeout: 10_000, interval: 200 })
    .toEqual(expect.objectContaining(seen(passes * BATCH)))
  return { world, sender, worker, point, proxy, answerLost }
}

const errors = (workers: readonly Child[]) =>
  workers.flatMap((worker) => worker.lines().filter(({ level }) => level >= ERROR))

/** Each gives the workers that run afterwards. Another one, or it itself, has gone on by then. */
const STRIKES: Record<Fault, (struck: Struck) => Promise<Child[]>> = {
  'kill -9': async ({ world, worker, sender }) => {
    worker.kill('SIGKILL')
    await worker.exited
    await fastLoads(world.pool)
    const successor = world.startEtl(SMALL_BATCHES)
    await goesOn(successor, world, sender)
    return [successor]
  },

  SIGSTOP: async ({ world, worker, sender, point }) => {
    worker.kill('SIGSTOP')
    await fastLoads(world.pool)
    const successor = world.startEtl(SMALL_BATCHES)
    await Promise.all([delay(FROZEN_MS), goesOn(successor, world, sender)])
    // It gets this when it wakes, before it can learn that it was expelled: it acts on what it believes.
    worker.kill(GO_ON)
    worker.kill('SIGCONT')
    if (await endsAlone(worker, point)) return [successor]
    await waitFor('the zombie to come back into the group', () => shares(worker).length > 1, PATIENT)
    return [worker, successor]
  },

  'connection cut': async ({ world, worker, sender, point, proxy, answerLost }) => {
    if (answerLost === undefined) proxy.reset()
    await answerLost
    await fastLoads(world.pool)
    worker.kill(GO_ON)
    const next = (await endsAlone(worker, point)) ? world.startEtl(SMALL_BATCHES) : worker
    await goesOn(next, world, sender)
    return [next]
  },
}

/** Proof of progress: what is sent from now on is loaded, too. */
async function goesOn(worker: Child, world: World, sender: Sender): Promise<void> {
  await worker.waitForLine('joined the group', PATIENT)
  await sender.send(100)
  const all = sender.log.records
  await waitFor('what was sent meanwhile to be loaded', async () => (await consumed(world)) === all, PATIENT)
}

/** One that was told to stop does so, in good order. */
async function endsAlone(worker: Child, point: PointName): Promise<boolean> {
  if (point !== 'during shutdown') return false
  expect(await worker.exited).toBe(0)
  return true
}

/** Where the job is, as far as Postgres and Kafka show it. */
async function lookAt(world: World) {
  const { rows } = await world.pool.query<{ transactions: string[] }>(
    `select coalesce(array_agg((case wait_event when 'PgSleep' then wait_event else state end) || ': '
                               || regexp_replace(query, '\\s+', ' ', 'g')), '{}') as transactions
     from pg_stat_activity
     where datname = current_database() and application_name = 'global-sales-pulse pulse_loader'
       and xact_start is not null`,
  )
  const free = await world.pool.query('select from audit.partition_progress for update skip locked')
  const letters = await world.deadLetters()
  const sent = new Set((await world.dlqMessages()).map(({ key }) => key?.toString()))
  return {
    transactions: rows[0]?.transactions,
    locked: free.rows.length === 0,
    loaded: await consumed(world),
    published: share(sent.size, letters.length),
    marked: share(letters.filter((row) => row.published_at !== null).length, letters.length),
    group: (await world.groupOffsets()).get(0),
  }
}

const share = (part: number, whole: number) => (part === 0 ? 'none' : part < whole ? 'some' : 'all')
