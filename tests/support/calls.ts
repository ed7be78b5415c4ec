import { randomUUID } from 'node:crypto'
import { grow } from './grown.ts'
import { calls, firstCalls, GROWN } from './streams/calls.ts'
import { aWorld, type World } from './world.ts'

/** A call with all that was declared of it later. */
export const aCall = (changes: Readonly<Record<string, unknown>> = {}) => ({
  call_id: randomUUID(),
  at: new Date().toISOString(),
  line: 'north',
  seconds: 30,
  agent: 'Ada',
  fee: 2.5,
  is_paid: true,
  parts: [
    { what: 'ring', units: 2 },
    { what: 'talk', units: 28 },
  ],
  ...changes,
})

/** Loaded by the first declaration, in a warehouse that has the later one now. */
export async function aGrownWorld(records: readonly object[], partitions = 1): Promise<World> {
  const world = await aWorld({ stream: firstCalls, partitions })
  for (const [i, record] of records.entries()) await world.produce([record], { partition: i % partitions })
  await world.runOnce()
  await grow(world, calls, GROWN)
  return world
}
