import { batchId, type Batch } from '../../etl/ledger/batches.ts'
import type { PreparedBatch } from '../../etl/job/load.ts'
import { transform } from '../../etl/job/transform.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import { validate } from '../../etl/job/validate.ts'
import { stream } from './stream.ts'

/** A batch of these records that begins at the first of them, or where it is told. */
export function aBatch(records: readonly SourceRecord[], overrides: Partial<Batch> = {}): Batch {
  const range = {
    topic: stream.name,
    partition: 0,
    sourcePartition: 0,
    incarnation: 1,
    from: records[0]?.offset ?? 0,
    to: (records.at(-1)?.offset ?? -1) + 1,
    ...overrides,
  }
  return { id: batchId(range), records, bytes: 100 * records.length, ...range }
}

/** After validate and transform with the default rules. */
export function prepared(batch: Batch): PreparedBatch {
  const { valid, rejected, skipped } = validate(batch.records, { stream, maxAgeDays: 1_095 })
  return {
    batch,
    facts: transform(valid, stream),
    rejected,
    skipped,
    timings: { extract: 0, validate: 0, transform: 0 },
  }
}
