import { expect, test } from 'vitest'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld } from '../support/world.ts'

test('two loads that need the same new month at once both get it', async () => {
  const { pool } = await aWorld({ partitions: 1 })
  const ensure = `select audit.ensure_partition('${stream.name}', '2024-02-29') as made`
  const first = await pool.connect()
  await first.query('begin')
  expect((await first.query(ensure)).rows).toEqual([{ made: true }])

  const second = pool.query(ensure)
  await waitFor('the second to wait for the first', async () => {
    const { rows } = await pool.query(
      `select from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())`,
    )
    return rows.length === 1
  })
  await first.query('commit')
  first.release()

  expect((await second).rows).toEqual([{ made: false }])
})
