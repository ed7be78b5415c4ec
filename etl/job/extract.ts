import type { PartitionCursor, SliceLimits } from '../kafka/cursor.ts'
import type { Progress } from '../ledger/watermark.ts'
import { batchId, type Batch } from '../ledger/batches.ts'

/** The next batch of a partition, bounded in records and bytes; undefined at the end offset. */
export async function extract(
  cursor: PartitionCursor,
  progress: Pick<Progress, 'topic' | 'partition' | 'sourcePartition' | 'incarnation'>,
  limits: SliceLimits,
): Promise<Batch | undefined> {
  const slice = await cursor.next(limits)
  if (slice === undefined) return undefined
  const { topic, partition, sourcePartition, incarnation } = progress
  const id = batchId({ topic, partition, incarnation, ...slice })
  return { id, topic, partition, sourcePartition, incarnation, ...slice }
}
