import { EventEmitter } from 'node:events'
import type { Pool } from 'pg'
import { expect, test } from 'vitest'
import { StatementTimes } from '../../scripts/bench/statement-times.ts'

/** As much of a pool as is listened to, and of a connection as is called. */
function aPool() {
  const pool = new EventEmitter()
  const client = {
    query: (...args: unknown[]): unknown => {
      const callback = args.at(-1)
      if (typeof callback !== 'function') return Promise.resolve({ rowCount: 1 })
      callback(undefined, { rowCount: 2 })
      return undefined
    },
  }
  return { pool: pool as unknown as Pool, client, take: () => pool.emit('acquire', client) }
}

test('statements are counted by name or by how they begin, with a promise and with a callback, each once', async () => {
  const times = new StatementTimes()
  const { pool, client, take } = aPool()
  times.watch(pool)
  take()
  take() // a connection that was given back and taken again
  expect(await client.query({ name: 'claim-keys', text: 'insert …' })).toEqual({ rowCount: 1 })
  await client.query({ name: 'claim-keys', text: 'insert …' })
  await client.query('commit')
  await new Promise((resolve) => client.query(`update  a\n   set b = 1`, [], resolve))
  expect(
    times
      .all()
      .map(({ name, calls }) => `${name} ${calls}`)
      .sort(),
  ).toEqual(['claim-keys 2', 'commit 1', 'update a set b = 1 1'])
  for (const { totalMs } of times.all()) expect(totalMs).toBeGreaterThanOrEqual(0)
})
