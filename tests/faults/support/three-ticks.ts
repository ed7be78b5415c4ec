import { expect } from 'vitest'
import type { Sent } from '../../support/fault-backlog.ts'
import { expectExactly } from '../../support/fault-totals.ts'
import type { World } from '../../support/world.ts'

const TICKS = 3

/**
 * Call it when the fault is over and nobody sends any more. Fails the test unless the warehouse then holds
 * exactly what was sent, and no worker took more than three runs to get there.
 */
export async function expectExactlyInThreeTicks(world: World, sent: Sent): Promise<void> {
  await expectInThreeTicks(world, () => expectExactly(world, sent))
}

/** The same of any other condition: fails the test where a worker took more than three runs to get there. */
export async function expectInThreeTicks({ pool }: World, balanced: () => Promise<void>): Promise<void> {
  const { rows: before } = await pool.query<{ id: number }>(
    'select coalesce(max(id), 0) as id from audit.pipeline_runs',
  )
  await balanced()
  // Of each worker up to its own last batch: one that has nothing to do goes on ticking meanwhile.
  const { rows } = await pool.query<{ runs: number }>(
    `select count(*)::int as runs from audit.pipeline_runs r
     where id > $1 and id <= (select max(run_id) from audit.pipeline_batches join audit.pipeline_runs o on o.id = run_id
                              where o.worker = r.worker)
     group by worker order by 1 desc limit 1`,
    [before[0]?.id],
  )
  expect(rows[0]?.runs ?? 0).toBeLessThanOrEqual(TICKS)
}
