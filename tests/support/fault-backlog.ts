import type { Child } from './child.ts'
import { waitFor } from './wait-for.ts'
import type { World } from './world.ts'

/** What the producer says Kafka acknowledged, by kind. */
export interface Sent {
  readonly total: number
  readonly valid: number
  readonly duplicate: number
  readonly conflicting: number
  readonly invalid: number
}

/** Two accounts as one. */
export function together(one: Sent, other: Sent): Sent {
  return {
    total: one.total + other.total,
    valid: one.valid + other.valid,
    duplicate: one.duplicate + other.duplicate,
    conflicting: one.conflicting + other.conflicting,
    invalid: one.invalid + other.invalid,
  }
}

/** Small batches make many commits, so that a fault finds the job in the middle of them. */
export const SMALL_BATCHES = { BATCH_SIZE: '50' }

const MIXED = {
  PRODUCER_INVALID_RATIO: '0.05',
  PRODUCER_DUPLICATE_RATIO: '0.1',
  PRODUCER_RATE: '1000000',
}

/** Puts so many records on the topic, some broken and some repeated, by a producer that runs to its end. */
export async function aBacklog(world: World, records: number): Promise<Sent> {
  return sentBy(aProducer(world, { PRODUCER_LIMIT: String(records) }))
}

/** A producer of the same mixture that goes on until its limit or its stop. */
export function aProducer(world: World, env: Readonly<Record<string, string>>): Child {
  return world.startProducer({ ...MIXED, ...env })
}

/** Waits for the producer's end, and gives its own account. */
export async function sentBy(producer: Child): Promise<Sent> {
  const code = await producer.exited
  const last = producer.lines().findLast(({ msg }) => msg.startsWith('sent '))
  if (code !== 0 || last === undefined)
    throw new Error(`the producer ended with ${code}:\n${producer.output().slice(-2_000)}`)
  const { sent, total, inDoubt } = last as unknown as { sent: Sent; total: number; inDoubt: number }
  if (inDoubt !== 0) throw new Error(`the producer left ${inDoubt} records in doubt`)
  return { ...sent, total }
}

/** Records that the ledger accounts for now. */
export async function consumed({ pool }: Pick<World, 'pool'>): Promise<number> {
  const { rows } = await pool.query<{ n: string }>(
    'select coalesce(sum(consumed), 0) as n from audit.pipeline_batches',
  )
  return Number(rows[0]?.n)
}

/** Resolves when the ledger accounts for at least so many records. */
export async function progressTo(
  world: Pick<World, 'pool'>,
  records: number,
  limitMs = 20_000,
): Promise<number> {
  return waitFor(
    `${records} records in the ledger`,
    async () => {
      const now = await consumed(world)
      return now >= records && now
    },
    { limitMs, everyMs: 10 },
  )
}
