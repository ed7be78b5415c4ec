import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, inject, onTestFinished, test } from 'vitest'
import { freePort } from '../../scripts/servers/processes.ts'
import type { Child } from '../support/child.ts'
import { aBacklog } from '../support/fault-backlog.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { endOf } from '../support/fault-worker.ts'
import { createDatabase } from '../support/database.ts'
import { aWorld, type World } from '../support/world.ts'

const SECRET = 'sEcReT-4711'

test('a wrong password ends the start with what Postgres says, and is never printed', async () => {
  const world = await aWorld({ partitions: 1 })
  const etl = world.startEtl({ DATABASE_URL: withPassword(world, SECRET), LOG_LEVEL: 'trace' })

  expect(await etl.exited).toBe(1)

  expect(etl.lines().at(-1)).toMatchObject({
    level: 60,
    msg: expect.stringContaining('password authentication failed'),
  })
  expect(etl.output()).not.toContain(SECRET)
})

test('a warehouse that was never migrated ends the start and says what to do', async () => {
  const world = await aWorld({ partitions: 1 })
  const empty = await createDatabase(inject('databaseUrl'))
  onTestFinished(() => empty.drop())
  const etl = world.startEtl({ DATABASE_URL: empty.url })

  expect(await etl.exited).toBe(1)

  expect(etl.lines().at(-1)).toMatchObject({ level: 60, msg: expect.stringContaining('npm run migrate') })
})

test('a port that is taken ends the start and names the variable, and the group is left at once', async () => {
  const world = await aWorld({ partitions: 1 })
  const { port } = await listening()
  const etl = world.startEtl({ HTTP_PORT: String(port) })

  expect(await etl.exited).toBe(1)

  expect(etl.lines().at(-1)).toMatchObject({ level: 60, msg: expect.stringContaining(`HTTP_PORT ${port}`) })
  const next = world.startEtl()
  await next.waitForLine('joined the group', { limitMs: 5_000 })
  expect(await next.stop()).toBe(0)
})

test('a wrong configuration names every variable that is wrong and none of its secrets', async () => {
  const world = await aWorld({ partitions: 1 })
  const etl = world.startEtl({
    KAFKA_BROKERS: 'nowhere',
    DATABASE_URL: `postgres:someone:${SECRET}@db/sales`,
    BATCH_SIZE: '0',
    KAFKA_SESSION_TIMEOUT_MS: 'soon',
    DEAD_LETTER_MAX_RATIO: 'half',
    HTTP_PORT: '99999',
  })

  expect(await etl.exited).toBe(2)

  for (const name of [
    'KAFKA_BROKERS',
    'DATABASE_URL',
    'BATCH_SIZE',
    'KAFKA_SESSION_TIMEOUT_MS',
    'DEAD_LETTER_MAX_RATIO',
    'HTTP_PORT',
  ])
    expect(etl.output()).toContain(name)
  expect(etl.output()).not.toContain(SECRET)
})

test('a schedule that is no cron expression is a wrong configuration', async () => {
  const world = await aWorld({ partitions: 1 })
  const etl = world.startEtl({ ETL_SCHEDULE: 'every 30 s' })

  expect(await etl.exited).toBe(2)

  expect(etl.output()).toMatch(/ETL_SCHEDULE "every 30 s" is not a cron expression/)
})

test('missing topics are waited for by name, and never made', async () => {
  const world = await aWorld({ withoutTopics: true })
  const etl = world.startEtl()
  await etl.waitForLine(`waiting for topic ${world.topic}: make it with npm run topics`)

  const topics = world.startProgram('scripts/topics.ts')
  expect(await topics.exited).toBe(0)

  expect(topics.output()).toContain(`${world.topic}: made`)
  await etl.waitForLine('ready')
  await expectExactly(world, await aBacklog(world, 200))
  expect(await etl.stop()).toBe(0)
})

/** What a worker may wait for at its start; each starts one and resolves when it does. */
const waits: Record<string, (world: World) => Promise<Child>> = {
  'a warehouse that is down': async (world) => {
    const etl = world.startEtl({
      DATABASE_URL: `postgres://someone:${SECRET}@127.0.0.1:${await freePort()}/sales`,
    })
    await etl.waitForLine('waiting for the warehouse')
    expect(etl.output()).not.toContain(SECRET)
    return etl
  },
  'a Kafka that is down': async (world) => {
    const etl = world.startEtl({ KAFKA_BROKERS: `127.0.0.1:${await freePort()}` })
    await etl.waitForLine('ECONNREFUSED')
    return etl
  },
  'a Kafka that takes connections and says nothing': async (world) => {
    const { port, connected } = await listening()
    const etl = world.startEtl({ KAFKA_BROKERS: `127.0.0.1:${port}` })
    await connected
    return etl
  },
  'a topic': async (world) => {
    const etl = world.startEtl({ KAFKA_DLQ_TOPIC: 'not-made' })
    await etl.waitForLine('waiting for topic not-made')
    return etl
  },
}

test.for(Object.entries(waits))('a stop while it waits for %s ends it promptly', async ([, waiting]) => {
  const etl = await waiting(await aWorld({ partitions: 1 }))

  const { code, ms } = await endOf(etl)

  expect(code).toBe(0)
  expect(ms).toBeLessThan(3_000)
})

function withPassword(world: World, password: string): string {
  const url = new URL(world.env['DATABASE_URL']!)
  url.password = password
  return url.href
}

/** A server of the test that takes connections and never answers. */
async function listening(): Promise<{ port: number; connected: Promise<unknown> }> {
  const server = createServer()
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  const connected = once(server, 'connection')
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, connected }
}
