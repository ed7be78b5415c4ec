import type { ClientBase, Pool } from 'pg'
import type { SourceRecord } from '../kafka/record.ts'
import type { PartitionId } from './progress.ts'

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
              dead_lettered, bytes, oldest_record_at, newest_record_at, extract_ms, validate_ms, transform_ms, load_ms)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, to_timestamp($13::double precision / 1000),
                   to_timestamp($14::double precision / 1000), $15, $16, $17, $18)`,
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
 * The fewest whole batches right before an offset that hold `wanted` records, or all there are since
 * `since`, where an operator last let the partition go on. Redrives that failed again are left out. Walks
 * back batch by batch, as only of those in the window the redrives need to be counted.
 */
export async function recentBatches(
  client: ClientBase,
  at: PartitionId & { incarnation: number; before: number; since: number },
  wanted: number,
): Promise<WindowCounts> {
  const { rows } = await client.query<WindowCounts>(
    `with recursive walk (from_offset, consumed, dead_lettered, batches) as (
       select $4::int8, 0::int8, 0::int8, 0
       union all
       select b.from_offset, walk.consumed + b.consumed - r.redrives, walk.dead_lettered + b.dead_lettered - r.redrives, walk.batches + 1
       from walk
       cross join lateral (
         select * from audit.pipeline_batches
         where topic = $1 and partition = $2 and incarnation = $3 and from_offset >= $5 and from_offset < walk.from_offset and consumed > 0
         order by from_offset desc limit 1
       ) b
       cross join lateral (
         select count(*) as redrives from audit.dead_letters d
         where b.dead_lettered > 0 and d.batch_id = b.batch_id and d.redrive_of is not null
       ) r
       where walk.consumed < $6 and walk.batches < $7
     )
     select consumed, dead_lettered as "deadLettered" from walk order by batches desc limit 1`,
    [at.topic, at.partition, at.incarnation, at.before, at.since, wanted, WINDOW_BATCHES],
  )
  return rows[0] ?? { consumed: 0, deadLettered: 0 }
}

/** Ticks and manual runs drain; replays and housekeeping are runs of their own beside them. */
export type DrainKind = 'tick' | 'manual'
export type RunKind = DrainKind | 'replay' | 'housekeeping'

/** A worker that was not seen for so long is gone. */
export const GONE_AFTER_SECONDS = 15

/**
 * Opens a run, and closes the drains that died: this worker's own, of its last life, and those whose worker is
 * no longer seen, or that would be over long since. One that lives after all closes its run itself, later.
 */
export async function startRun(
  pool: Pool,
  kind: DrainKind,
  worker: string,
  budgetMs: number,
): Promise<number> {
  await pool.query(
    `update audit.pipeline_runs r set status = 'abandoned', finished_at = now(), error = 'the worker ended without a word'
     where status = 'running' and kind in ('tick', 'manual') and (
       worker = $1 or started_at < now() - make_interval(secs => $2)
       or started_at < now() - make_interval(secs => $3)
          and exists (select from audit.workers w where w.name = r.worker and w.seen_at < now() - make_interval(secs => $3)))`,
    [worker, (2 * budgetMs) / 1000 + 300, GONE_AFTER_SECONDS],
  )
  const { rows } = await pool.query<{ id: number }>(
    `insert into audit.pipeline_runs (kind, worker) values ($1, $2) returning id`,
    [kind, worker],
  )
  return rows[0]!.id
}

export interface RunTotals {
  readonly batches: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly deadLettered: number
}

/** Closes a run; its totals are the sums of its batches, so that they hold after any crash in between. */
export async function finishRun(
  pool: Pool,
  runId: number,
  outcome: { status: 'succeeded' | 'failed'; error: string | undefined; retries: number },
): Promise<RunTotals> {
  const { rows } = await pool.query<RunTotals>(
    `update audit.pipeline_runs r
     set status = $2, error = $3, retries = $4, finished_at = now(), batches = b.batches, consumed = b.consumed,
         loaded = b.loaded, duplicate = b.duplicate, dead_lettered = b.dead_lettered
     from (
       select count(*) as batches, coalesce(sum(consumed), 0)::bigint as consumed, coalesce(sum(loaded), 0)::bigint as loaded,
              coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(dead_lettered), 0)::bigint as dead_lettered
       from audit.pipeline_batches where run_id = $1
     ) b
     where r.id = $1
     returning r.batches, r.consumed, r.loaded, r.duplicate, r.dead_lettered as "deadLettered"`,
    [runId, outcome.status, outcome.error ?? null, outcome.retries],
  )
  return rows[0]!
}
