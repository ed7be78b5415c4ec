import { expect, onTestFinished, test } from 'vitest'
import { eq, sql } from '../../etl/postgres/drizzle.ts'
import { columnsOf, on, prepared, read } from '../../etl/postgres/query.ts'
import { inTransaction, rollback } from '../../etl/postgres/transaction.ts'
import { operatorActions, workers } from '../../etl/schema/operations.ts'
import { aWorld } from '../support/world.ts'
import { stream } from '../support/stream.ts'

/** etl/postgres/query.ts stands on parts of drizzle that its types don't promise: what we take from them is held here. */

const SEEN = new Date('2026-01-02T03:04:05.678Z')

async function aPool() {
  const { pool } = await aWorld()
  await pool.query(
    `insert into audit.workers (stream, name, schedule, seen_at, partitions, contract_hash)
     values ('${stream.name}', 'one', '* * * * *', $1, '{0,2}', '')`,
    [SEEN],
  )
  await pool.query(
    `insert into audit.operator_actions (stream, action, target, requested_by, via, status, worker, payload)
     values ('${stream.name}', 'redrive', '{"text": "1"}', 'somebody', 'pulse', 'pending', 'one', '\\x0001')`,
  )
  onTestFinished(async () => void (await pool.query('delete from audit.workers')))
  return pool
}

test('a row has the names of the schema and values in JavaScript’s types', async () => {
  const pool = await aPool()
  expect(
    await on(pool)
      .select(columnsOf(workers, 'name', 'seenAt', 'partitions', 'problem'))
      .from(workers),
  ).toEqual([{ name: 'one', seenAt: SEEN, partitions: [0, 2], problem: null }])
  const [action] = await on(pool).select().from(operatorActions)
  expect(action).toMatchObject({ id: 1, target: { text: '1' }, payload: Buffer.from([0, 1]), total: null })
})

test('a left join without a match is null, all of it or a column of it', async () => {
  const pool = await aPool()
  await pool.query(`insert into audit.workers (stream, name, schedule, partitions, contract_hash)
     values ('${stream.name}', 'two', '* * * * *', '{}', '')`)
  const joined = await on(pool)
    .select({
      worker: workers.name,
      action: columnsOf(operatorActions, 'id', 'action'),
      id: operatorActions.id,
    })
    .from(workers)
    .leftJoin(operatorActions, eq(operatorActions.worker, workers.name))
    .orderBy(workers.name)
  expect(joined).toEqual([
    { worker: 'one', action: { id: 1, action: 'redrive' }, id: 1 },
    { worker: 'two', action: null, id: null },
  ])
})

test('SQL of our own is named and typed by its columns, once or again and again', async () => {
  const pool = await aPool()
  const columns = { name: workers.name, actions: sql<number>`count(*)` }
  expect(
    await read(pool, columns, (list) => sql`select ${list} from ${workers} group by ${workers.name}`),
  ).toEqual([{ name: 'one', actions: 1 }])
  const byName = prepared(
    pool,
    columns,
    (list) =>
      sql`select ${list} from ${workers} where ${workers.name} = ${sql.placeholder('name')} group by 1`,
  )
  expect([await byName({ name: 'one' }), await byName({ name: 'nobody' })]).toEqual([
    [{ name: 'one', actions: 1 }],
    [],
  ])
})

test('an error is Postgres’ own, without the values that were sent', async () => {
  const pool = await aPool()
  const failing = on(pool)
    .insert(workers)
    .values({ name: 'one', stream: stream.name, schedule: 'geheim', partitions: [], contractHash: '' })
  const error = await failing.then(
    () => undefined,
    (reason: unknown) => reason as Error,
  )
  expect(error).toMatchObject({ code: '23505', severity: 'ERROR', constraint: 'workers_pkey' })
  expect(error?.message).not.toContain('geheim')
})

test('in a transaction it is part of it', async () => {
  const pool = await aPool()
  const within = await inTransaction(pool, async (client) => {
    await on(client).delete(workers)
    return rollback((await on(client).select().from(workers)).length)
  })
  expect(within).toBe(0)
  expect(await on(pool).select().from(workers)).toHaveLength(1)
})
