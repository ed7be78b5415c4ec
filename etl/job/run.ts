import { messageOf } from '../text/message-of.ts'
import { inOrder, limitsAfter, restLeft } from './crash-loop.ts'
import type { Kafka } from '../kafka/client.ts'
import { compareGroupOffsets, keepToOwnGroup, type OffsetsSeen } from './group-ownership.ts'
import { readKafkaNow } from './kafka-now.ts'
import { checkKnownLog, type LogNow } from './known-log.ts'
import { drainPartition, type DrainResult, type Pipeline, type RunLimits } from './pipeline.ts'
import type { Logger } from '../process/log.ts'
import { readDeaths, takeUp, type Deaths } from '../ledger/crashes.ts'
import { ensureProgress, readProgress, unacknowledgedLosses } from '../ledger/progress.ts'
import { finishRun, startRun, type DrainKind, type RunTotals } from '../ledger/batches.ts'

export interface RunSettings {
  readonly kafka: Kafka
  readonly topic: string
  readonly groupId: string
  /** This warehouse, as it stands in the metadata of the group's offsets. */
  readonly owner: string
  /** Kept from run to run. */
  readonly offsetsSeen: OffsetsSeen
  readonly worker: string
  readonly budgetMs: number
  readonly logger: Logger
  /** Partitions drained at once; each takes a connection to the warehouse and its share of memory. */
  readonly concurrency: number
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

/** How often a partition is taken up anew in one run because its watermark was elsewhere. */
const MAX_MOVES = 3

/**
 * One run: notes the end of each partition that is ours, drains them side by side, and writes down what
 * came of it. A partition that fails does not keep the others from being drained, but the run has failed.
 *
 * @throws where not even the run could be written down: the warehouse or Kafka is out of reach.
 */
export function runOnce(
  pipeline: Pipeline,
  settings: RunSettings,
  kind: DrainKind,
  signal: AbortSignal,
): Promise<RunSummary> {
  return pipeline.metrics.observeRun(kind, () => drainAll(pipeline, settings, kind, signal))
}

async function drainAll(
  pipeline: Pipeline,
  settings: RunSettings,
  kind: DrainKind,
  signal: AbortSignal,
): Promise<RunSummary> {
  const started = performance.now()
  const { pool, metrics } = pipeline
  const runId = await startRun(pool, kind, settings.worker, settings.budgetMs)
  const logger = settings.logger.child({ run_id: runId })
  let retries = 0
  const limits: RunLimits = {
    runId,
    signal,
    isOver: () => performance.now() - started > settings.budgetMs,
    onRetry: () => {
      retries += 1
      metrics.loadRetried()
    },
    logger,
  }
  const errors: string[] = []
  const results: DrainResult[] = []
  try {
    const { logs, group } = await readKafkaNow(settings.kafka, settings.topic, settings.groupId)
    const check = { ...settings, pool, membership: pipeline.membership, logger }
    const isOurs = await keepToOwnGroup(check, { logs, group })
    const aside = isOurs ? [] : [...logs.keys()]
    metrics.standsAside(aside)
    results.push(...aside.map(() => 'stopped' as const))
    if (isOurs) errors.push(...(await compareGroupOffsets(check, { logs, group }, settings.offsetsSeen)))
    const deaths = await readDeaths(pool, settings.topic, runId)
    const { together, alone } = inOrder(pipeline.membership.partitions(), deaths)
    const drain = async (partition: number) => {
      const log = logs.get(partition)
      if (log === undefined) return
      try {
        heed(deaths.get(partition), pipeline, logger.child({ partition }))
        const result = await runPartition(
          pipeline,
          settings,
          partition,
          log,
          limits,
          deaths.get(partition)?.count,
        )
        if (result === 'stopped') metrics.partitionStopped(partition)
        results.push(result)
      } catch (error) {
        if (signal.aborted && error === signal.reason) results.push('interrupted')
        else errors.push(`partition ${partition}: ${messageOf(error)}`)
      }
    }
    await sideBySide(together, settings.concurrency, drain)
    await sideBySide(alone, 1, drain)
    metrics.dataLosses(await unacknowledgedLosses(pool, settings.topic))
  } catch (error) {
    logger.error({ err: error }, 'the run failed')
    errors.push(messageOf(error))
  }
  const status = errors.length === 0 ? 'succeeded' : 'failed'
  const error = errors.length === 0 ? undefined : errors.join('; ').slice(0, 2_000)
  const totals = await finishRun(pool, runId, { status, error, retries })
  return {
    ...totals,
    runId,
    status,
    error,
    durationMs: performance.now() - started,
    partitions: results.length,
    stopped: results.filter((result) => result === 'stopped').length,
  }
}

async function runPartition(
  pipeline: Pipeline,
  settings: RunSettings,
  partition: number,
  log: LogNow,
  limits: RunLimits,
  deaths: number | undefined,
): Promise<DrainResult> {
  const { pool, reader, metrics } = pipeline
  const readLog = async () =>
    (await readKafkaNow(settings.kafka, settings.topic, settings.groupId)).logs.get(partition)
  let progress = await ensureProgress(pool, { topic: settings.topic, partition }, log)
  for (let moves = 0; ; moves++) {
    metrics.partitionSeen(progress, log.end)
    if (progress.stopCode !== null) return 'stopped'
    const known = await checkKnownLog({ pool, reader, readLog, logger: limits.logger }, progress, log)
    if (known === undefined) return 'stopped'
    if (known.nextOffset < log.end) await takeUp(pool, known, limits.runId)
    const result = await drainPartition(pipeline, known, log.end, limits, deaths)
    if (result !== 'moved' || moves === MAX_MOVES) return result
    progress = (await readProgress(pool, progress)) ?? progress
  }
}

/**
 * Says that a partition is taken up with caution.
 *
 * @throws where it is not taken up yet.
 */
function heed(deaths: Deaths | undefined, { batchSize, batchBytes }: Pipeline, logger: Logger): void {
  if (deaths === undefined) return
  const full = { maxRecords: batchSize, maxBytes: batchBytes }
  const left = restLeft(deaths, full)
  const ended = `${deaths.count} worker processes in a row ended without a word with it in hand`
  if (left > 0)
    throw new Error(
      `${ended}, the last with one record in hand: give them more memory; tried again in ${Math.ceil(left / 1_000)} s`,
    )
  logger.warn(limitsAfter(deaths.count, full), `${ended}: the partition begins with smaller batches`)
}

/** Works on all items, at most `width` at a time. */
async function sideBySide<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items]
  const lanes = Array.from({ length: Math.min(width, queue.length) }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  })
  await Promise.all(lanes)
}
