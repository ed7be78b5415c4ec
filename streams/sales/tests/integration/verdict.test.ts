import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aSender, type Sender } from '../../../../tests/support/sender.ts'
import { verdict } from '../../../../tests/support/verdict.ts'
import { aWorld, type World } from '../../../../tests/support/world.ts'
import { sales } from '../../sales.ts'

/** What the storm is judged by: one warehouse of versions, loaded once; each test tampers with it and rolls back. */
let world: World
let sender: Sender

beforeAll(async () => {
  world = await aWorld({ stream: sales, partitions: 2, env: { BATCH_SIZE: '50' } })
  sender = aSender({ ...world, partitions: 2, seed: 7 })
  await sender.send(600)
  await sender.close()
  await world.runOnce()
})
afterAll(() => world.cleanUp())

test('a warehouse of versions that holds what was sent is right', async () => {
  expect([sender.log.records, sender.log.inDoubt]).toEqual([600, 0])
  expect(await verdict({ ...world, sent: sender.log })).toEqual([])
})

/** A sale of several versions, with its newest one. */
const CHANGED = `(select transaction_id from sales_history group by 1 having count(*) > 1 order by 1 limit 1)`

test.for([
  [
    'an older version is current',
    `update sales c set version = h.version, source_partition = h.source_partition, source_offset = h.source_offset,
       customer_id = h.customer_id, product_id = h.product_id, quantity = h.quantity, unit_price = h.unit_price,
       amount = h.amount, currency = h.currency, payment_method = h.payment_method, status = h.status, changed_at = h.changed_at
     from (select * from sales_history where transaction_id = ${CHANGED} order by version limit 1) h
     where c.transaction_id = h.transaction_id`,
    ['a current row is not the newest version', 'sales_by_day and current rows differ'],
  ],
  [
    'a current row has another value',
    `update sales set quantity = quantity + 1 where transaction_id = ${CHANGED}`,
    ['a current row is not what was sent', 'sales_by_day and current rows differ'],
  ],
  [
    'a current row is gone',
    `delete from sales where transaction_id = ${CHANGED}`,
    ['a key has no current row'],
  ],
  [
    'a version is gone',
    `delete from sales_history where (transaction_id, version) in
       (select transaction_id, min(version) from sales_history where transaction_id = ${CHANGED} group by 1)`,
    ['a fact is lost', 'a batch counts wrongly', 'a book does not account for its records'],
  ],
  [
    'a version was changed',
    `update sales_history set status = case status when 'failed' then 'pending' else 'failed' end
     where transaction_id = ${CHANGED}`,
    ['a fact is not what was sent', 'a current row is not the newest version'],
  ],
  [
    'a sum counts a version twice',
    `update sales_by_day set sales = sales + 1 where ctid = (select min(ctid) from sales_by_day)`,
    ['sales_by_day and current rows differ'],
  ],
] as const)('%s', async ([, tampering, complaints]) => {
  const one = new Pool({ connectionString: world.env['DATABASE_URL']!, max: 1 })
  try {
    await one.query('begin')
    await one.query('set local session_replication_role = replica')
    await one.query('set local search_path = warehouse')
    await one.query(tampering)
    const found = await verdict({ ...world, sent: sender.log, pool: one })
    for (const complaint of complaints)
      expect(found).toContainEqual(expect.stringMatching(new RegExp(`^${complaint}: `)))
  } finally {
    await one.end() // and with it the transaction
  }
})
