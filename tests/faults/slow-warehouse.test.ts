import { expect, test } from 'vitest'
import type { LogLine } from '../support/child.ts'
import { aBacklog, consumed } from '../support/fault-backlog.ts'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld } from '../support/world.ts'
import { expectExactlyInThreeTicks } from './support/three-ticks.ts'

const FACTS = `warehouse.${stream.name}`
/** What a load writes after its facts, where the stream has a rollup. */
const [rollup] = Object.keys(stream.definition.rollups ?? {})
const LAST = rollup === undefined ? FACTS : `warehouse.${rollup}`

test('on a disk so slow that a batch takes too long the batches become smaller, and no record is blamed', async () => {
  const world = await aWorld({ partitions: 1 })
  const sent = await aBacklog(world, 200)
  // Each record takes 10 ms when its batch is written down, and from its facts on the minute that a statement has is
  // shortened so that 50 of them are too many.
  await world.pool.query(
    `create function audit.short() returns trigger language plpgsql as
       $$ begin perform set_config('statement_timeout', '500', true); return null; end $$;
     create trigger strike_short after insert on ${FACTS} for each statement execute function audit.short();
     create function audit.slow() returns trigger language plpgsql as
       $$ begin perform pg_sleep(0.01 * new.consumed); return new; end $$;
     create trigger strike_slow before insert on audit.pipeline_batches for each row execute function audit.slow()`,
  )

  const etl = world.startEtl({ BATCH_SIZE: '100' })

  const refusal = await etl.waitForLine('the warehouse refused a batch (smaller)', { limitMs: 60_000 })
  expect(refusal).toMatchObject({ err: { code: '57014' }, records: 100 })
  await expectExactlyInThreeTicks(world, sent)
  const sizes = (await world.ledger()).map((batch) => batch.consumed)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(50)
  expect(await etl.stop()).toBe(0)
})

test('loads that wait in line for a lock give up and try again until they get it, and no record is blamed', async () => {
  const world = await aWorld()
  const sent = await aBacklog(world, 600)
  const holder = await world.pool.connect()
  await holder.query(`begin; lock table ${LAST} in share row exclusive mode`)

  const etl = world.startEtl({ BATCH_SIZE: '50' })

  const eachGaveUp = () => {
    const partitions = new Set(
      etl
        .lines()
        .filter(gaveUp)
        .map((line) => line['partition']),
    )
    return partitions.size === 3
  }
  try {
    await waitFor('each partition to have given up once', eachGaveUp, { limitMs: 60_000 })
    expect(await consumed(world)).toBe(0)
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  await expectExactlyInThreeTicks(world, sent)
  expect(await etl.stop()).toBe(0)
})

const gaveUp = ({ msg, err }: LogLine) =>
  msg === 'the load failed, trying again' && (err as { code?: string }).code === '55P03'
