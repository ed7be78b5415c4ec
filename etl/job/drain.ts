import type { Kafka } from '../kafka/client.ts'
import { acknowledgeLeft } from './acknowledge.ts'
import { beginTopic } from './begin-topic.ts'
import { readCrashes, takeUp, type Crashes } from '../ledger/crashes.ts'
import { ensureProgress } from '../ledger/first-watermark.ts'
import { readProgress } from '../ledger/watermark.ts'
import type { Logger } from '../process/log.ts'
import { messageOf } from '../text/message-of.ts'
import { inOrder, limitsAfter, restLeft } from './crash-loop.ts'
import { readKafkaNow, type KafkaNow } from './kafka-now.ts'
import { checkKnownLog, type LogNow } from './known-log.ts'
import { noteMissedDeletions } from './missed-deletions.ts'
import { heedGrowth } from './partition-growth.ts'
import { drainPartition, type DrainResult } from './pipeline.ts'
import type { Pipeline, RunLimits } from './stages.ts'

export interface DrainSettings {
  readonly kafka: Kafka
  readonly topic: string
  readonly groupId: string
  readonly worker: string
  /** Partitions drained at once; each takes a connection to the warehouse and its share of memory. */
  readonly concurrency: number
}

/** What came of the partitions so far. One that fails does not keep the others from being drained. */
export interface DrainTally {
  readonly results: DrainResult[]
  readonly errors: string[]
}

/**
 * Drains the partitions that are ours, side by side; those that workers crashed with again and again one after
 * the other, behind them. What one of them throws is noted and keeps none of the others from being drained.
 */
export async function drainPartitions(
  pipeline: Pipeline,
  settings: DrainSettings,
  now: KafkaNow,
  limits: RunLimits,
  { results, errors }: DrainTally,
): Promise<void> {
  const { logs } = now
  const { name: stream, definition } = pipeline.stream
  await beginTopic({ ...settings, ...pipeline, logger: limits.logger }, now)
  if (definition.identity.by === 'log')
    await heedGrowth(pipeline.pool, { stream, topic: settings.topic }, logs, limits.logger)
  const crashes = await readCrashes(pipeline.pool, settings.topic, limits.runId)
  const { together, alone } = inOrder(pipeline.membership.partitions(), crashes)
  const drain = async (partition: number) => {
    const log = logs.get(partition)
    if (log === undefined) return
    try {
      const result = await takeInHand(pipeline, settings, partition, log, limits, crashes.get(partition))
      if (result === 'stopped') pipeline.metrics.partitionStopped(partition)
      results.push(result)
    } catch (error) {
      if (limits.signal.aborted && error === limits.signal.reason) results.push('interrupted')
      else errors.push(`partition ${partition}: ${messageOf(error)}`)
    }
  }
  await sideBySide(together, settings.concurrency, drain)
  await sideBySide(alone, 1, drain)
  // One of the workers has the first partition.
  if (pipeline.membership.partitions().includes(0)) await acknowledgeLeft(pipeline, stream, limits.logger)
}

/** How often a partition is taken up anew in one run because its watermark was elsewhere. */
const MAX_MOVES = 3

/** One partition, if it is not stopped and its log is the one we know: from its watermark to the noted end. */
async function takeInHand(
  pipeline: Pipeline,
  settings: DrainSettings,
  partition: number,
  log: LogNow,
  limits: RunLimits,
  crashes: Crashes | undefined,
): Promise<DrainResult> {
  heed(crashes, pipeline, limits.logger.child({ partition }))
  const { pool, reader, metrics } = pipeline
  const readLog = async () =>
    (await readKafkaNow(settings.kafka, settings.topic, settings.groupId)).logs.get(partition)
  let progress = await ensureProgress(
    pool,
    { stream: pipeline.stream.name, topic: settings.topic, partition },
    log,
  )
  if (pipeline.stream.definition.identity.by === 'log' && progress.stopCode === null)
    await noteMissedDeletions({ pool, kafka: settings.kafka, logger: limits.logger }, progress, log)
  for (let moves = 0; ; moves++) {
    metrics.partitionSeen(progress, log.end)
    if (progress.stopCode !== null) return 'stopped'
    const known = await checkKnownLog({ pool, reader, readLog, logger: limits.logger }, progress, log)
    if (known === undefined) return 'stopped'
    if (known.nextOffset < log.end) await takeUp(pool, known, limits.runId)
    const result = await drainPartition(pipeline, known, log.end, limits, crashes?.count)
    if (result !== 'moved' || moves === MAX_MOVES) return result
    progress = (await readProgress(pool, progress)) ?? progress
  }
}

/**
 * Says that a partition is taken up with caution.
 *
 * @throws where it is not taken up yet.
 */
function heed(crashes: Crashes | undefined, { batchSize, batchBytes }: Pipeline, logger: Logger): void {
  if (crashes === undefined) return
  const full = { maxRecords: batchSize, maxBytes: batchBytes }
  const left = restLeft(crashes, full)
  const ended = `${crashes.count} worker processes in a row ended without a word with it in hand`
  if (left > 0)
    throw new Error(
      `${ended}, the last with one record in hand: give them more memory; tried again in ${Math.ceil(left / 1_000)} s`,
    )
  logger.warn(limitsAfter(crashes.count, full), `${ended}: the partition begins with smaller batches`)
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
