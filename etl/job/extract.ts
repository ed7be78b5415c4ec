import type { PartitionCursor, SliceLimits } from '../kafka/cursor.ts'
import type { Progress } from '../ledger/watermark.ts'
import { batchId, type Batch } from '../ledger/batches.ts'

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
