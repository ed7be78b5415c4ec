import type { PartitionCursor, SliceLimits } from '../kafka/cursor.ts'
import type { Progress } from '../ledger/progress.ts'
import { batchId } from '../ledger/batches.ts'
import type { SourceRecord } from '../stream/types.ts'

/** Records of one partition in offset order, and the range of offsets that they stand for. */
export interface Batch {
  /** Names the range, for people and for lineage. */
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly incarnation: number
  readonly from: number
  /** One past the range. */
  readonly to: number
  readonly records: readonly SourceRecord[]
  readonly bytes: number
}

/** The next batch of a partition, bounded in records and bytes; undefined at the end offset. */
export async function extract(
  cursor: PartitionCursor,
  progress: Pick<Progress, 'topic' | 'partition' | 'incarnation'>,
  limits: SliceLimits,
): Promise<Batch | undefined> {
  const slice = await cursor.next(limits)
  if (slice === undefined) return undefined
  const { topic, partition, incarnation } = progress
  return { id: batchId({ topic, partition, incarnation, ...slice }), topic, partition, incarnation, ...slice }
}
