import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import {
  aBacklog,
  aProducer,
  consumed,
  progressTo,
  sentBy,
  SMALL_BATCHES,
  together,
} from '../support/fault-backlog.ts'
import { ownServers, type OwnServers } from '../support/fault-servers.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { endOf, status } from '../support/fault-worker.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld } from '../support/world.ts'

// Sessions of the group that end by time, and servers that start: long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let servers: OwnServers | string

beforeAll(async () => {
  servers = await ownServers()
})
afterAll(async () => {
  if (typeof servers !== 'string') await servers.stop()
})
beforeEach(({ skip }) => {
  if (typeof servers === 'string') skip(servers)
})
afterEach(async () => {
  // A test that failed in the middle leaves nothing to the next one.
  if (typeof servers !== 'string') await Promise.all([servers.kafka.start(), servers.postgres.start()])
})

const FLOW = { PRODUCER_RATE: '400' }

test.each(['stop', 'kill'] as const)(
  'a Postgres that goes away (%s), under load or idle, is waited for, and no record is blamed',
  async (end) => {
    const { postgres, ...own } = servers as OwnServers
    const world = await aWorld({ servers: own })
    const etl = world.startEtl(SMALL_BATCHES)
    const isReady = async () => (await status(etl, '/readyz')) === 200
    const producer = aProducer(world, FLOW)
    const before = await progressTo(world, 200)

    await postgres[end]()
    await etl.waitForLine('the run could not be made; the next tick tries again')
    expect(await status(etl, '/readyz')).toBe(503)
    expect(await status(etl, '/healthz')).toBe(200)
    await postgres.start()

    await progressTo(world, before + 400)
    await waitFor('the worker to be ready again', isReady)
    producer.kill('SIGTERM')
    const sent = await sentBy(producer)
    await expectExactly(world, sent)

    await postgres[end]()
    await waitFor('the worker to miss it', async () => !(await isReady()))
    await postgres.start()

    await expectExactly(world, together(sent, await aBacklog(world, 100)))
    expect(await etl.stop()).toBe(0)
  },
)

test('a Kafka that is killed under load is waited for by producer and worker, and nothing is lost', async () => {
  const { kafka, ...own } = servers as OwnServers
  const world = await aWorld({ servers: own })
  const etl = world.startEtl(SMALL_BATCHES)
  const producer = aProducer(world, FLOW)
  await progressTo(world, 200)

  await kafka.kill()
  await waitFor('the worker to lose the group', async () => (await status(etl, '/readyz')) === 503, {
    limitMs: 40_000,
  })
  expect(await status(etl, '/healthz')).toBe(200)
  const before = await consumed(world)
  await kafka.start()

  await progressTo(world, before + 400, 40_000)
  await waitFor('the worker to be ready again', async () => (await status(etl, '/readyz')) === 200)
  producer.kill('SIGTERM')
  await expectExactly(world, await sentBy(producer))
  expect(await etl.stop()).toBe(0)
})

test('a worker that is stopped while Kafka is away ends in time, and the next one loads the rest', async () => {
  const { kafka, ...own } = servers as OwnServers
  const world = await aWorld({ servers: own })
  const etl = world.startEtl(SMALL_BATCHES)
  const producer = aProducer(world, FLOW)
  await progressTo(world, 200)
  await kafka.stop()
  await etl.waitForLine('ECONNREFUSED')

  const { code, ms } = await endOf(etl)

  expect(code).toBe(0)
  expect(ms).toBeLessThan(10_000)
  await kafka.start()
  producer.kill('SIGTERM')
  const next = world.startEtl(SMALL_BATCHES)
  await expectExactly(world, await sentBy(producer))
  expect(await next.stop()).toBe(0)
})

test('a worker that is started before its servers waits for one after the other, and says for which', async () => {
  const { kafka, postgres, ...own } = servers as OwnServers
  const world = await aWorld({ servers: own })
  const sent = await aBacklog(world, 300)
  await Promise.all([kafka.stop(), postgres.stop()])

  const etl = world.startEtl(SMALL_BATCHES)
  await etl.waitForLine('waiting for the warehouse')
  await postgres.start()
  await etl.waitForLine(({ kafka: part, msg }) => part !== undefined && msg.includes('ECONNREFUSED'))
  await kafka.start()

  await etl.waitForLine('ready')
  await expectExactly(world, sent)
  expect(await etl.stop()).toBe(0)
})
