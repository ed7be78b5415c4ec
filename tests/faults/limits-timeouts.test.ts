import { once } from 'node:events'
import { connect } from 'node:net'
import { pino } from 'pino'
import type { Pool } from 'pg'
import { expect, test, vi, type TestContext } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { remedyFor } from '../../etl/postgres/errors.ts'
import { createPool, TIMEOUTS } from '../../etl/postgres/pool.ts'
import { commit, inTransaction } from '../../etl/postgres/transaction.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'
import { beforeKafka, beforePostgres, type TcpProxy } from './support/tcp-proxy.ts'

vi.setConfig({ testTimeout: 200_000 })

/** Side by side: what they wait for is time. Each ends by a limit of the product's own, or fails by the test's. */
const SLACK_MS = 10_000
/** Workers that start beside all that. */
const STARTED_MS = 60_000

test('each limit is longer than those that are to fire before it', () => {
  const { connect: c, lock, begin, idleInTransaction, statement, answer, transaction } = TIMEOUTS
  const order = [c, lock, begin, idleInTransaction, statement, answer, transaction]
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  expect(answer).toBeLessThan(60_000)
})

test.concurrent('a lock that nobody lets go of is given up', async (context) => {
  const { world, pool } = await aPool(context)
  const holder = await world.pool.connect()
  await holder.query('begin; lock table audit.control in access exclusive mode')

  const { error, ms } = await failure(inTransaction(pool, locking))

  expect(error).toMatchObject({ code: '55P03' })
  expect(ms).toBeLessThan(TIMEOUTS.lock + SLACK_MS)
  await holder.query('rollback')
  holder.release()
  await inTransaction(pool, locking)
})

test.concurrent('a statement that takes too long is ended by the server, in a transaction and outside', async (context) => {
  const { pool } = await aPool(context)
  const sleep = 'select pg_sleep(120)'

  const both = await Promise.all([
    failure(pool.query(sleep)),
    failure(inTransaction(pool, async (client) => commit(await client.query(sleep)))),
  ])

  for (const { error, ms } of both) {
    expect(error).toMatchObject({ code: '57014' })
    expect(ms).toBeGreaterThan(TIMEOUTS.statement - 1_000)
    expect(ms).toBeLessThan(TIMEOUTS.answer)
  }
})

test.concurrent('whoever hangs in its transaction loses it, and its locks', async (context) => {
  const { world, pool } = await aPool(context)
  const { error } = await failure(
    inTransaction(pool, async (client) => {
      await client.query('lock table audit.control in share row exclusive mode')
      await waitFor('somebody else to get the lock', () => lockIsFree(world.pool), {
        limitMs: TIMEOUTS.idleInTransaction + SLACK_MS,
      })
      return commit(await client.query('select 1'))
    }),
  )
  expect(remedyFor(error)).toBe('reconnect')
  expect(await inTransaction(pool, async (client) => commit(await limitsOf(client)))).toEqual({
    lock: '5s',
    statement: '50s',
    transaction: '2min',
  })
})

test.concurrent('a statement whose client is gone ends', async (context) => {
  const { world, pool } = await aPool(context)
  const client = await pool.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const sleeping = failure(client.query('select pg_sleep(120)'))
  const running = async () => {
    const found = await world.pool.query('select from pg_stat_activity where pid = $1', [rows[0]!.pid])
    return found.rows.length === 1
  }
  expect(await running()).toBe(true)

  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection
  stream.destroy()

  await sleeping
  client.release(true)
  await waitFor('the server to notice', async () => !(await running()), { limitMs: 5_000 + SLACK_MS })
})

test.concurrent('a connection that died in silence is found out before anything is begun on it', async (context) => {
  const { pool, proxy } = await aPool(context)
  await inTransaction(pool, locking)
  proxy.strand()

  const { error, ms } = await failure(inTransaction(pool, locking))

  expect(remedyFor(error)).toBe('reconnect')
  expect(ms).toBeLessThan(TIMEOUTS.begin + SLACK_MS)
  await inTransaction(pool, locking)
})

test.concurrent('one that dies in a transaction is given up within a minute, and its lock is free before', async (context) => {
  const { world, pool, proxy } = await aPool(context)
  const dying = failure(
    inTransaction(pool, async (client) => {
      await client.query('lock table audit.control in share row exclusive mode')
      proxy.strand()
      return commit(await client.query('select 1'))
    }),
  )
  const free = async () => {
    await waitFor('the lock to be held', async () => !(await lockIsFree(world.pool)))
    const from = performance.now()
    await waitFor('the lock to be free', () => lockIsFree(world.pool), { limitMs: 60_000 })
    return performance.now() - from
  }

  const [{ error, ms }, freeAfter] = await Promise.all([dying, free()])

  expect(remedyFor(error)).toBe('reconnect')
  expect(ms).toBeLessThan(60_000)
  expect(freeAfter).toBeLessThan(TIMEOUTS.idleInTransaction + SLACK_MS)
})

test.concurrent.for([
  ['Postgres', beforePostgres],
  ['Kafka', beforeKafka],
] as const)(
  'a worker whose connections to %s died in silence works again within a minute',
  async ([, before], context) => {
    const world = await aWorld({ partitions: 1, onTestFinished: context.onTestFinished })
    const proxy = await before(world.env)
    context.onTestFinished(() => proxy.close())
    const etl = world.startEtl(proxy.env)
    await world.produce([aLiveMessage()])
    await world.drained({ limitMs: STARTED_MS })

    proxy.strand()
    await world.produce([aLiveMessage()])

    await world.drained({ limitMs: 60_000 + SLACK_MS })
    expect(await world.facts()).toHaveLength(2)
    expect(await etl.stop()).toBe(0)
  },
)

test.concurrent('a client of the console that never ends its request is sent away', async (context) => {
  const world = await aWorld({ partitions: 1, onTestFinished: context.onTestFinished })
  const etl = world.startEtl()
  const { address } = await etl.waitForLine('ready', { limitMs: STARTED_MS })
  const socket = connect(Number(new URL(String(address)).port), '127.0.0.1')
  context.onTestFinished(() => void socket.destroy())
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ')
  const from = performance.now()

  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toContain(' 408 ')
  expect(performance.now() - from).toBeLessThan(15_000 + SLACK_MS)
  expect(await etl.stop()).toBe(0)
})

async function aPool({
  onTestFinished,
}: TestContext): Promise<{ world: World; pool: Pool; proxy: TcpProxy }> {
  const world = await aWorld({ withoutTopics: true, onTestFinished })
  const proxy = await beforePostgres(world.env)
  const config = readConfig(['database'], { ...world.env, ...proxy.env })
  const pool = createPool(config, 'pulse_loader', pino({ level: 'silent' }), { connections: 3 })
  onTestFinished(async () => {
    await proxy.close()
    await pool.end()
  })
  return { world, pool, proxy }
}

const locking = async (client: Pick<Pool, 'query'>) =>
  commit(await client.query('lock table audit.control in share row exclusive mode'))

async function lockIsFree(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query(
    `select from pg_locks where relation = 'audit.control'::regclass and database = (select oid from pg_database where datname = current_database())
       and mode = 'ShareRowExclusiveLock' and granted`,
  )
  return rows.length === 0
}

async function limitsOf(client: Pick<Pool, 'query'>): Promise<unknown> {
  const { rows } = await client.query(
    `select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
            current_setting('transaction_timeout') as transaction`,
  )
  return rows[0]
}

/** What it failed with, and after how many milliseconds. */
async function failure(work: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const from = performance.now()
  const error = await work.then(
    () => expect.fail('it succeeded'),
    (reason: unknown) => reason,
  )
  return { error, ms: performance.now() - from }
}
