import { finishRun, startRun, type DrainKind, type RunTotals } from '../ledger/runs.ts'
import { unacknowledgedLosses } from '../ledger/losses.ts'
import type { Logger } from '../process/log.ts'
import { messageOf } from '../text/message-of.ts'
import { drainPartitions, type DrainSettings, type DrainTally } from './drain.ts'
import { compareGroupOffsets, keepToOwnGroup, type OffsetsSeen } from './group-ownership.ts'
import { readKafkaNow, type KafkaNow } from './kafka-now.ts'
import type { Pipeline, RunLimits } from './stages.ts'

export interface RunSettings extends DrainSettings {
  /** This warehouse, as it stands in the metadata of the group's offsets. */
  readonly owner: string
  /** Kept from run to run. */
  readonly offsetsSeen: OffsetsSeen
  readonly budgetMs: number
  readonly logger: Logger
}

export interface RunSummary extends RunTotals {
  readonly runId: number
  readonly status: 'succeeded' | 'failed'
  readonly durationMs: number
  readonly partitions: number
  /** Partitions that stand still until an operator acts. */
  readonly stopped: number
  readonly error: string | undefined
}

interface RunTally extends DrainTally {
  retries: number
}

/**
 * One run: notes the end of each partition that is ours, drains them side by side, and writes down what
 * came of it.
 *
 * @throws where not even the run could be written down: the warehouse or Kafka is out of reach.
 */
export function runOnce(
  pipeline: Pipeline,
  settings: RunSettings,
  kind: DrainKind,
  signal: AbortSignal,
): Promise<RunSummary> {
  return pipeline.metrics.observeRun(kind, async () => {
    const started = performance.now()
    const run = { stream: pipeline.stream.name, kind, worker: settings.worker }
    const runId = await startRun(pipeline.pool, run, settings.budgetMs)
    const tally: RunTally = { results: [], errors: [], retries: 0 }
    const limits: RunLimits = {
      runId,
      signal,
      isOver: () => performance.now() - started > settings.budgetMs,
      onRetry: () => {
        tally.retries += 1
        pipeline.metrics.loadRetried()
      },
      logger: settings.logger.child({ run_id: runId }),
    }
    await work(pipeline, settings, limits, tally).catch((error: unknown) => {
      limits.logger.error({ err: error }, 'the run failed')
      tally.errors.push(messageOf(error))
    })
    return { ...(await close(pipeline, runId, tally)), durationMs: performance.now() - started }
  })
}

async function work(
  pipeline: Pipeline,
  settings: RunSettings,
  limits: RunLimits,
  tally: RunTally,
): Promise<void> {
  const now = await readKafkaNow(settings.kafka, settings.topic, settings.groupId)
  if (await mayWork(pipeline, { ...settings, logger: limits.logger }, now, tally))
    await drainPartitions(pipeline, settings, now, limits, tally)
  pipeline.metrics.dataLosses(await unacknowledgedLosses(pipeline.pool, settings.topic))
}

/** Whether the group is ours to work in. Where it is another warehouse's, all partitions count as stopped. */
async function mayWork(
  { pool, stream, membership, metrics }: Pipeline,
  settings: RunSettings,
  now: KafkaNow,
  { results, errors }: RunTally,
): Promise<boolean> {
  const check = { ...settings, pool, stream, membership }
  const isOurs = await keepToOwnGroup(check, now)
  const aside = isOurs ? [] : [...now.logs.keys()]
  metrics.standsAside(aside)
  results.push(...aside.map(() => 'stopped' as const))
  if (isOurs) errors.push(...(await compareGroupOffsets(check, now, settings.offsetsSeen)))
  return isOurs
}

async function close(
  { pool }: Pipeline,
  runId: number,
  { results, errors, retries }: RunTally,
): Promise<Omit<RunSummary, 'durationMs'>> {
  const status = errors.length === 0 ? 'succeeded' : 'failed'
  const error = errors.length === 0 ? undefined : errors.join('; ').slice(0, 2_000)
  const totals = await finishRun(pool, runId, { status, error, retries })
  return {
    ...totals,
    runId,
    status,
    error,
    partitions: results.length,
    stopped: results.filter((result) => result === 'stopped').length,
  }
}
