import { expect } from 'vitest'
import type { Sent } from './fault-backlog.ts'
import { roles } from './messages.ts'
import { stream } from './stream.ts'
import { waitFor } from './wait-for.ts'
import type { World } from './world.ts'

/**
 * Waits until the job has caught up, then fails the test unless the warehouse holds exactly what was sent:
 * each record once, each record that can't be loaded once as a dead letter and at least once on its topic,
 * and the group's offsets where the watermarks are.
 */
export async function expectExactly(world: World, sent: Sent, limitMs = 30_000): Promise<void> {
  await world.drained({ limitMs, everyMs: 200 })
  const { rows } = await world.pool.query(totals(stream))
  expect(rows[0]).toEqual({
    consumed: sent.total,
    loaded: sent.valid,
    facts: sent.valid,
    identities: sent.valid,
    duplicate: sent.duplicate,
    dead_letters: sent.conflicting + sent.invalid,
    conflicting: sent.conflicting,
    rejected_by_warehouse: 0,
    stopped: 0,
  })
  await expectAcknowledged(world)
  await world.assertBalanced()
}

const totals = ({ name, identity: { fields }, eventTime, definition }: typeof stream) => {
  const keyed = definition.identity.scope === 'warehouse' ? fields : [eventTime, ...fields]
  const columns = keyed.map((field) => roles.columns[field])
  return `
  select coalesce(sum(consumed), 0)::int as consumed, coalesce(sum(loaded), 0)::int as loaded,
         (select count(*) from warehouse.${name})::int as facts,
         (select count(distinct (${columns.join(', ')})) from warehouse.${name})::int as identities,
         coalesce(sum(duplicate), 0)::int as duplicate,
         (select count(*) from audit.dead_letters)::int as dead_letters,
         (select count(*) from audit.dead_letters where code = 'conflicting_duplicate')::int as conflicting,
         (select count(*) from audit.dead_letters where code = 'rejected_by_warehouse')::int as rejected_by_warehouse,
         (select count(*) from audit.partition_progress where stop_code is not null)::int as stopped
  from audit.pipeline_batches`
}

/** Every dead letter is on its topic, and the group's offsets catch up with the watermarks. */
export async function expectAcknowledged(world: World): Promise<void> {
  await waitFor('all dead letters to be published', async () => {
    const { rows } = await world.pool.query(
      'select from audit.dead_letters where published_at is null limit 1',
    )
    return rows.length === 0
  })
  const letters = (await world.deadLetters()).map((row) => `${row.topic}:${row.partition}:${row.offset}`)
  const published = (await world.dlqMessages()).map(({ key }) => key?.toString())
  expect(new Set(published)).toEqual(new Set(letters))
  await waitFor(
    'the group’s offsets to catch up with the watermarks',
    async () => {
      const offsets = await world.groupOffsets()
      return (await world.watermarks()).every((row) => offsets.get(row.partition) === row.next_offset)
    },
    { everyMs: 200 },
  )
}
