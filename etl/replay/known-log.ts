import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import type { LogReader } from '../kafka/log-reader.ts'
import { differs } from '../job/known-log.ts'
import { ActionRefused } from '../operations/actions.ts'
import { lookAt, type PartitionNow } from '../partitions/steer.ts'
import type { PartitionId, Progress } from '../ledger/progress.ts'
import type { ReplayProgress } from './statements.ts'

/**
 * A partition's watermark and log, if that is the log that was loaded.
 *
 * @throws ActionRefused where it is another one, whether a run has noticed that before or not.
 */
export async function requireKnownLog(
  pool: Pool,
  kafka: Kafka,
  reader: LogReader,
  id: PartitionId,
): Promise<PartitionNow> {
  const now = await lookAt(pool, kafka, id)
  const { stopCode, stopReason } = now.progress
  const trouble =
    stopCode === null || stopCode === 'mass_rejection'
      ? (await differs(reader, now.progress, now))?.reason
      : stopReason
  if (trouble === undefined) return now
  throw new ActionRefused(
    `${id.topic}/${id.partition} can't be replayed, its log is not the one that was loaded: ${trouble}.`,
  )
}

/** @throws Error where the offsets mean other records than when the replay was asked for. */
export function requireSameOffsets(progress: Progress, range: ReplayProgress): void {
  const name = `${range.topic}/${range.partition}`
  if (progress.incarnation !== range.incarnation)
    throw new Error(
      `${name} is in incarnation ${progress.incarnation} now, the replay is of ${range.incarnation}: ask for a new one`,
    )
  if (progress.nextOffset < range.to)
    throw new Error(
      `${name} is loaded up to ${progress.nextOffset}, but the replay goes to ${range.to}: ask for a new one`,
    )
}
