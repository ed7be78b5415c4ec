import type { Pool } from 'pg'
import { PartitionCursor } from '../kafka/cursor.ts'
import type { LogReader } from '../kafka/log-reader.ts'
import type { Logger } from '../process/log.ts'
import { recordHash } from './load.ts'
import {
  lockProgress,
  readProgress,
  rememberLog,
  stopPartition,
  type Progress,
  type StopCode,
} from '../ledger/watermark.ts'
import { recordDataLoss } from '../ledger/losses.ts'
import { commit, inTransaction, rollback } from '../postgres/transaction.ts'

/** What Kafka says of a partition now. */
export interface LogNow {
  readonly clusterId: string
  readonly start: number
  /** Last stable offset. */
  readonly end: number
}

export interface KnownLogCheck {
  readonly pool: Pool
  readonly reader: LogReader
  /** Asks Kafka again; undefined where the partition is gone. */
  readonly readLog: () => Promise<LogNow | undefined>
  readonly logger: Logger
}

/**
 * Is this still the log that the watermark was written for? Offsets are used a second time by a topic
 * that was made anew, a broker that lost its tail, or another cluster; a bare watermark would skip their
 * records in silence.
 *
 * @param log read before the watermark was. Another worker may have moved the watermark past it since, so
 *   what looks wrong is looked at again with a log that was read afterwards.
 * @returns the watermark to go on from, or undefined where the partition was stopped for an operator.
 */
export async function checkKnownLog(
  check: KnownLogCheck,
  progress: Progress,
  log: LogNow,
): Promise<Progress | undefined> {
  const { pool, reader, readLog, logger } = check
  let trouble = await differs(reader, progress, log)
  if (trouble !== undefined) trouble = await differs(reader, progress, (await readLog()) ?? log)
  if (trouble !== undefined) {
    if (await stopPartition(pool, progress, trouble.code, trouble.reason)) {
      logger.error(
        { partition: progress.partition, code: trouble.code },
        `partition stopped: ${trouble.reason}`,
      )
    }
    return undefined
  }
  if (log.start > progress.nextOffset) return stepOverLoss(pool, progress, log.start, logger)
  await rememberLog(pool, progress, log)
  return progress
}

/** What tells that the log is another one, if anything. Read the watermark before the log. */
export async function differs(
  reader: LogReader,
  progress: Progress,
  log: LogNow,
): Promise<{ code: StopCode; reason: string } | undefined> {
  if (log.clusterId !== progress.clusterId) {
    return {
      code: 'another_cluster',
      reason: `this is cluster ${log.clusterId}, the watermark is of cluster ${progress.clusterId}`,
    }
  }
  if (log.end < progress.nextOffset) {
    return {
      code: 'log_shorter',
      reason: `the log ends at ${log.end}, but it was loaded up to ${progress.nextOffset}`,
    }
  }
  if (log.start < progress.logStart) {
    return {
      code: 'log_start_moved_back',
      reason: `the log starts at ${log.start}, but it started at ${progress.logStart} before`,
    }
  }
  // Retention may have taken the record since: then there is nothing to compare, and nothing lost.
  if (progress.lastOffset === null || progress.lastOffset < log.start) return undefined
  const cursor = new PartitionCursor(reader, progress.partition, progress.lastOffset)
  const slice = await cursor.next({ end: progress.lastOffset + 1, maxRecords: 1, maxBytes: 1 })
  const [record] = slice?.records ?? []
  const found = record === undefined ? undefined : recordHash(record)
  if (found === progress.lastHash) return undefined
  if (found === undefined && slice?.hidden !== true) return undefined // compaction took it
  const holds = found === undefined ? 'no record that is delivered' : 'another record'
  return {
    code: 'log_differs',
    reason: `offset ${progress.lastOffset} holds ${holds}, not the one that was loaded`,
  }
}

/** The log's start overtook us: the gap is a loss, on record until an operator acknowledges it. */
async function stepOverLoss(
  pool: Pool,
  seen: Progress,
  logStart: number,
  logger: Logger,
): Promise<Progress | undefined> {
  const recorded = await inTransaction(pool, async (client) => {
    const now = await lockProgress(client, seen)
    if (now.nextOffset !== seen.nextOffset || now.incarnation !== seen.incarnation) return rollback(false)
    await recordDataLoss(client, now, logStart)
    return commit(true)
  })
  if (recorded) {
    logger.error(
      { partition: seen.partition, from_offset: seen.nextOffset, to_offset: logStart },
      'DATA LOSS: the log no longer holds offsets that were never loaded (retention overtook the job)',
    )
  }
  return readProgress(pool, seen)
}
