import { onTestFinished } from 'vitest'
import { readAction, type Action, type Operator } from '../../etl/operations/actions.ts'
import { startBackground } from '../../etl/operations/background.ts'
import { replayExecutor } from '../../etl/replay/run.ts'
import { requestReplay } from '../../etl/replay/request.ts'
import type { ReplayRange } from '../../etl/replay/plan.ts'
import type { ReplayRules } from '../../etl/replay/step.ts'
import { NEW_RULES, parcelsBy } from './parcels.ts'
import { waitFor } from './wait-for.ts'
import type { World } from './world.ts'

export const OPERATOR: Operator = { name: 'ana', via: 'console' }
export const ALL: ReplayRange = { kind: 'all' }

export interface Replayer {
  readonly name: string
  pause(): void
  resume(): void
  /** As a worker that ends. */
  stop(): Promise<void>
}

/** A worker that does nothing but the replays that are asked for: of parcels by their new rules unless told otherwise. */
export async function aReplayer(world: World, changes: Partial<ReplayRules> = {}): Promise<Replayer> {
  const { pipeline, settings } = await world.openWorker({ owns: [] })
  let paused = false
  const background = startBackground({
    pool: pipeline.pool,
    worker: settings.worker,
    logger: settings.logger,
    isPaused: () => paused,
    stream: world.stream.name,
    executors: {
      replay: replayExecutor({
        kafka: world.kafka,
        pipeline: { ...pipeline, stream: parcelsBy(NEW_RULES), ...changes },
        worker: settings.worker,
        logger: settings.logger,
      }),
    },
  })
  onTestFinished(() => background.stop())
  return {
    name: settings.worker,
    pause: () => (paused = true),
    resume: () => (paused = false),
    stop: () => background.stop(),
  }
}

/** Asks for a replay, as an operator. */
export async function ask(
  world: World,
  range: ReplayRange = ALL,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<number> {
  const request = { stream: world.stream.name, topic: world.topic, range, dryRun }
  return (await requestReplay(world.pool, world.kafka, OPERATOR, request)).action.id
}

/** Resolves when the action is in this state. */
export function settled(world: World, id: number, status: Action['status']): Promise<Action> {
  return waitFor(
    `action ${id} to be ${status}`,
    async () => {
      const action = await readAction(world.pool, id)
      if (action.status === 'failed' && status !== 'failed')
        throw new Error(`action ${id} failed: ${action.error}`)
      return action.status === status && action
    },
    { limitMs: 30_000 },
  )
}

/** Asks for a replay and waits until it is done. */
export async function replayed(
  world: World,
  ...asked: [ReplayRange?, { dryRun?: boolean }?]
): Promise<Action> {
  return settled(world, await ask(world, ...asked), 'succeeded')
}

/** Parcels that are not what the new rules derive, by Postgres' own arithmetic. */
export async function notByNewRules(world: World): Promise<{ partition: number; offset: number }[]> {
  const { rows } = await world.pool.query<{ partition: number; offset: number }>(
    `select source_partition as partition, source_offset::int as "offset" from warehouse.parcels
     where surcharge <> round(fee * 0.2, 2) or total <> fee + round(fee * 0.2, 2)
        or is_dear <> (fee > 50) or rank <> case when fee > 50 then 30 else 0 end
        or remarks <> case when fee > 50 then array['over "50", \\'] else '{}' end
     order by 1, 2`,
  )
  return rows
}

/** All that a replay of parcels must leave alone. */
export async function untouched(world: World): Promise<unknown> {
  const facts = await world.pool.query(
    `select id, parcel_id, fee, currency, sender, depot, weighed_at, processed_at,
            batch_id, source_partition, source_offset, incarnation from warehouse.parcels order by id`,
  )
  const counts = await world.pool.query(
    `select minute, source_partition, currency, depot, parcels, fee
     from warehouse.parcels_by_minute order by 1, 2, 3, 4`,
  )
  const runs = await world.pool.query(`select * from audit.pipeline_runs where kind <> 'replay' order by id`)
  const keys = await world.pool.query('select * from warehouse.parcel_keys order by parcel_id')
  return {
    facts: facts.rows,
    counts: counts.rows,
    runs: runs.rows,
    keys: keys.rows,
    watermarks: await world.watermarks(),
    ledger: await world.ledger(),
    deadLetters: await world.deadLetters(),
    groupOffsets: await world.groupOffsets(),
  }
}
