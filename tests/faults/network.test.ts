import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, test, vi } from 'vitest'
import { consumed, progressTo } from '../support/fault-backlog.ts'
import { slowLoads } from '../support/fault-slow-loads.ts'
import { expectAcknowledged } from '../support/fault-totals.ts'
import { aSender } from '../support/sender.ts'
import { verdict } from '../support/verdict.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld } from '../support/world.ts'
import { seeded } from './support/seed.ts'
import { beforeKafka, beforePostgres, type TcpProxy } from './support/tcp-proxy.ts'
import { expectInThreeTicks } from './support/three-ticks.ts'

// Side by side: what they wait for is time.
vi.setConfig({ testTimeout: 240_000, maxConcurrency: 8 })

const PATIENT = { limitMs: 90_000, everyMs: 200 }
/** Small batches that take their time, so that a fault comes in the middle of many. */
const BATCHES = { BATCH_SIZE: '10' }
const SECONDS_A_BATCH = 0.1
/** Longer than the group waits for a member that is silent. */
const OUTAGE_MS = 12_000

type Weather = (proxy: TcpProxy, loaded: () => Promise<void>) => Promise<void>

/** What the network does while the job has work to do. Whatever ends does so before all is loaded. */
const WEATHERS: Record<string, Weather> = {
  'is slow': async (proxy, loaded) => {
    proxy.turn({ to: 'slow', ms: 20 })
    await loaded()
  },
  'hands over a few bytes at a time': async (proxy, loaded) => {
    proxy.turn({ to: 'sliced', bytes: 7 })
    await loaded()
  },
  'resets each connection, again and again': async (proxy) => {
    for (let turn = 0; turn < 5; turn++) {
      proxy.reset()
      await delay(400)
    }
  },
  'resets each connection and takes no other for a while': async (proxy) => {
    proxy.turn({ to: 'refuse' })
    proxy.reset()
    await delay(OUTAGE_MS)
  },
  'is silent for a while': async (proxy) => {
    proxy.turn({ to: 'half-open' })
    await delay(OUTAGE_MS)
  },
  'loses each connection and nobody learns of it': async (proxy, loaded) => {
    proxy.strand()
    const lost = performance.now()
    await loaded()
    expect(performance.now() - lost).toBeLessThan(70_000)
  },
}

const SERVERS = { Postgres: beforePostgres, Kafka: beforeKafka }

const CASES = Object.keys(WEATHERS).flatMap((weather) =>
  (['Postgres', 'Kafka'] as const).map((server) => [server, weather] as const),
)

// The first migration on a server makes its roles; those beside it would have to wait.
beforeAll(async () => (await aWorld({ withoutTopics: true })).cleanUp())

test.concurrent.for(CASES)(
  'the network before %s %s: nothing is lost and nothing is loaded twice',
  async ([server, weather], { onTestFinished, onTestFailed }) => {
    const world = await aWorld({ partitions: 1, onTestFinished })
    const proxy = await SERVERS[server](world.env)
    onTestFinished(() => proxy.close())
    const seed = seeded(CASES.findIndex(([s, w]) => s === server && w === weather)).uint32()
    const sender = aSender({ ...world, partitions: 1, seed })
    onTestFinished(() => sender.close())
    const loaded = async () => {
      const all = sender.log.records
      await waitFor('what was sent to be loaded', async () => (await consumed(world)) === all, PATIENT)
    }
    await slowLoads(world.pool, SECONDS_A_BATCH)
    await sender.send(200)
    const etl = world.startEtl({ ...BATCHES, ...proxy.env })
    onTestFailed(() => void process.stderr.write(`The worker wrote:\n${etl.output().slice(-4_000)}\n`))
    const before = await progressTo(world, 1, PATIENT.limitMs)
    expect(before).toBeLessThan(200)

    await WEATHERS[weather]!(proxy, loaded)
    proxy.turn({ to: 'pass' })
    await loaded()

    await sender.send(100)
    await expectInThreeTicks(world, async () => {
      await world.drained(PATIENT)
      await expectAcknowledged(world)
    })
    expect(await verdict({ ...world, sent: sender.log })).toEqual([])
    expect(await etl.stop()).toBe(0)
  },
)
