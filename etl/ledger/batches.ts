import type { ClientBase } from 'pg'
import type { SourceRecord } from '../kafka/record.ts'
import { alias, sql } from '../postgres/drizzle.ts'
import { read } from '../postgres/query.ts'
import { deadLetters, pipelineBatches } from '../schema/audit.ts'
import type { PartitionId } from './watermark.ts'

/** Records of one partition in offset order, and the range of offsets that they stand for. */
export interface Batch {
  /** Names the range, for people and for lineage. */
  readonly id: string
  readonly topic: string
  readonly partition: number
  /** What facts and rollups call it: see ensureProgress. */
  readonly sourcePartition: number
  readonly incarnation: number
  readonly from: number
  /** One past the range. */
  readonly to: number
  readonly records: readonly SourceRecord[]
  readonly bytes: number
}

/** A range of offsets of one partition, and what became of the records in it. */
export interface LedgerEntry extends PartitionId {
  readonly batchId: string
  readonly incarnation: number
  readonly runId: number
  readonly from: number
  readonly to: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly skipped: number
  readonly deadLettered: number
  readonly bytes: number
  /** Kafka's timestamps, milliseconds since the epoch; undefined where there was no record. */
  readonly oldestRecord: number | undefined
  readonly newestRecord: number | undefined
  readonly timings: StageTimings
}

/** Milliseconds. */
export interface StageTimings {
  readonly extract: number
  readonly validate: number
  readonly transform: number
  readonly load: number
}

/** The batch's id names its range: `transactions:0:1200-2199`, with the incarnation from the second on. */
export function batchId(batch: PartitionId & { incarnation: number; from: number; to: number }): string {
  const range = `${batch.topic}:${batch.partition}:${batch.from}-${batch.to - 1}`
  return batch.incarnation === 1 ? range : `${range}:${batch.incarnation}`
}

/** The table's own check refuses an entry that does not balance. */
export async function writeLedger(client: ClientBase, entry: LedgerEntry): Promise<void> {
  await client.query({
    name: 'write-ledger',
    text: `insert into audit.pipeline_batches
             (topic, partition, incarnation, from_offset, to_offset, batch_id, run_id, consumed, loaded, duplicate,
              skipped, dead_lettered, bytes, oldest_record_at, newest_record_at, extract_ms, validate_ms, transform_ms, load_ms)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, to_timestamp($14::double precision / 1000),
                   to_timestamp($15::double precision / 1000), $16, $17, $18, $19)`,
    values: [
      entry.topic,
      entry.partition,
      entry.incarnation,
      entry.from,
      entry.to,
      entry.batchId,
      entry.runId,
      entry.consumed,
      entry.loaded,
      entry.duplicate,
      entry.skipped,
      entry.deadLettered,
      entry.bytes,
      entry.oldestRecord ?? null,
      entry.newestRecord ?? null,
      entry.timings.extract,
      entry.timings.validate,
      entry.timings.transform,
      entry.timings.load,
    ],
  })
}

export interface WindowCounts {
  readonly consumed: number
  readonly deadLettered: number
}

/** How far back a window may reach, where hardly anything but redrives was consumed. */
const WINDOW_BATCHES = 200

/**
 * The fewest whole batches right before an offset that hold `wanted` records that are not skipped, or all there are since
 * `since`, where an operator last let the partition go on. Redrives that failed again are left out. Walks
 * back batch by batch, as only of those in the window the redrives need to be counted.
 */
export async function recentBatches(
  client: ClientBase,
  at: PartitionId & { incarnation: number; before: number; since: number },
  wanted: number,
): Promise<WindowCounts> {
  const b = alias(pipelineBatches, 'b')
  const d = alias(deadLetters, 'd')
  const [counts] = await read(
    client,
    { consumed: sql<number>`consumed`, deadLettered: sql<number>`dead_lettered` },
    (columns) => sql`
      with recursive walk (from_offset, consumed, dead_lettered, batches) as (
        select ${at.before}::int8, 0::int8, 0::int8, 0
        union all
        select ${b.fromOffset}, walk.consumed + ${b.consumed} - ${b.skipped} - r.redrives,
               walk.dead_lettered + ${b.deadLettered} - r.redrives, walk.batches + 1
        from walk
        cross join lateral (
          select * from ${pipelineBatches} b
          where ${b.topic} = ${at.topic} and ${b.partition} = ${at.partition} and ${b.incarnation} = ${at.incarnation}
            and ${b.fromOffset} >= ${at.since} and ${b.fromOffset} < walk.from_offset and ${b.consumed} > 0
          order by ${b.fromOffset} desc limit 1
        ) b
        cross join lateral (
          select count(*) as redrives from ${deadLetters} d
          where ${b.deadLettered} > 0 and ${d.batchId} = ${b.batchId} and ${d.redriveOf} is not null
        ) r
        where walk.consumed < ${wanted} and walk.batches < ${WINDOW_BATCHES}
      )
      select ${columns} from walk order by batches desc limit 1`,
  )
  return counts ?? { consumed: 0, deadLettered: 0 }
}
