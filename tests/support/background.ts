import { pino } from 'pino'
import type { Pool } from 'pg'
import { onTestFinished } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { connectProducer, type RecordProducer } from '../../etl/kafka/producer.ts'
import { readAction, type Action, type ActionStatus, type Operator } from '../../etl/operations/actions.ts'
import { startBackground } from '../../etl/operations/background.ts'
import { deadLetterFilter, type DeadLetterFilter } from '../../etl/dead-letters/filter.ts'
import { dismissExecutor } from '../../etl/dead-letters/dismiss.ts'
import { redriveExecutor } from '../../etl/dead-letters/redrive-executor.ts'
import { requestRedrive, type RedriveOptions } from '../../etl/dead-letters/redrive.ts'
import type { RunSummary } from '../../etl/job/run.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { waitFor } from './wait-for.ts'
import type { World } from './world.ts'

/** A worker's background work on dead letters, in this process. */
export interface BackgroundLane {
  /** As the loader. */
  readonly pool: Pool
  /** Resolves when the action is over, or has the status that is wanted. */
  until(action: Pick<Action, 'id'>, status?: ActionStatus): Promise<Action>
  stop(): Promise<void>
}

/** @param changed what the test puts between the executors and the broker or the warehouse. */
export async function openBackground(
  world: World,
  changed: {
    readonly worker?: string
    readonly producer?: (producer: RecordProducer) => RecordProducer
  } = {},
): Promise<BackgroundLane> {
  const logger = pino({ level: 'silent' })
  const pool = createPool(readConfig(['database'], world.env), 'pulse_loader', logger)
  const connected = await connectProducer(world.kafka, { idempotent: false })
  const producer = changed.producer?.(connected) ?? connected
  const lane = startBackground({
    pool,
    logger,
    worker: changed.worker ?? 'background-1',
    isPaused: () => false,
    stream: world.stream.name,
    executors: {
      redrive: redriveExecutor({ pool, producer, topic: world.topic }),
      dismiss: dismissExecutor({ pool }),
    },
  })
  onTestFinished(async () => {
    await lane.stop()
    await Promise.all([connected.disconnect(), pool.end()])
  })
  return {
    pool,
    until: ({ id }, status) =>
      waitFor(
        `action ${id} to be ${status ?? 'over'}`,
        async () => {
          const action = await readAction(world.pool, id)
          if (action.status === status) return action
          if (action.status === 'failed') throw new Error(`action ${id} failed: ${action.error}`)
          return status === undefined && action.status === 'succeeded' ? action : undefined
        },
        { limitMs: 20_000 },
      ),
    stop: () => lane.stop(),
  }
}

export const ADA: Operator = { name: 'ada', via: 'pulse' }

/** Open ones, unless told. */
export const lettersOf = (filter: Partial<DeadLetterFilter>): DeadLetterFilter =>
  deadLetterFilter.parse(filter)

export const askForRedrive = (
  world: World,
  filter: Partial<DeadLetterFilter>,
  options: Partial<RedriveOptions> = {},
) =>
  requestRedrive(world.pool, ADA, lettersOf(filter), undefined, {
    stream: world.stream.name,
    topic: world.topic,
    ...options,
  })

/** Asks for a redrive, lets a worker do it, and then lets the job load what was sent. */
export async function redrive(
  world: World,
  filter: Partial<DeadLetterFilter>,
  options: Partial<RedriveOptions> = {},
): Promise<{ action: Action; run: RunSummary }> {
  const lane = await openBackground(world)
  const action = await lane.until(await askForRedrive(world, filter, options))
  await lane.stop()
  return { action, run: await world.runOnce() }
}
