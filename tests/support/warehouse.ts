import type { Pool } from 'pg'
import { identityFields } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { columnName } from '../../etl/stream/field.ts'
import { roles } from './messages.ts'
import { stream } from './stream.ts'

/** A fact as stored: its columns by name, money as Postgres writes it. */
export interface StoredFact {
  readonly [column: string]: unknown
  /** As `identityOf` says it of a message. */
  readonly identity: string
  /** Its event time in UTC to the microsecond, such as 2026-11-21T10:00:00.000000Z. */
  readonly moment: string
  readonly batch_id: string
  readonly source_partition: number
  readonly source_offset: number
  readonly incarnation: number
}

/** Every fact, by partition and offset. */
export async function readFacts(
  pool: Pool,
  { name, fields, identity, eventTime }: Definition = stream.definition,
): Promise<StoredFact[]> {
  const columns = identityFields(identity).map((field) => columnName(fields, field))
  const { rows } = await pool.query<StoredFact & { id: unknown; processed_at: unknown }>(
    `select *, concat_ws(',', ${columns.join(', ')}) as identity,
            to_char(${columnName(fields, eventTime)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as moment
     from warehouse.${name} order by source_partition, incarnation, source_offset`,
  )
  // What a load gives it, and another load gives otherwise.
  return rows.map(({ id: _id, processed_at: _processedAt, ...fact }) => fact)
}

/** From now on Postgres refuses facts that are `marked` so. */
export async function refuseMarked(pool: Pool, text: string): Promise<void> {
  await pool.query(
    `alter table warehouse.${stream.name} add constraint no_poison check (${roles.columns[roles.mark]} <> '${text}')`,
  )
}

export interface StoredDeadLetter {
  readonly id: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly incarnation: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: { key: string; value: string | null }[]
  readonly code: string
  readonly issues: { field: string; message: string }[]
  readonly batch_id: string
  readonly attempts: number
  readonly redrive_of: string | null
  readonly created_at: Date
  readonly published_at: Date | null
  readonly resolved_at: Date | null
  readonly resolution: string | null
}

/** Every dead letter, by partition and offset. */
export async function readDeadLetters(pool: Pool): Promise<StoredDeadLetter[]> {
  const { rows } = await pool.query<StoredDeadLetter>(
    'select * from audit.dead_letters order by topic, partition, incarnation, "offset"',
  )
  return rows
}

export interface StoredBatch {
  readonly batch_id: string
  readonly partition: number
  readonly incarnation: number
  readonly from_offset: number
  readonly to_offset: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly dead_lettered: number
  readonly run_id: number
}

/** Every batch, by partition and offset. */
export async function readLedger(pool: Pool): Promise<StoredBatch[]> {
  const { rows } = await pool.query<StoredBatch>(
    `select batch_id, partition, incarnation, from_offset, to_offset, consumed, loaded, duplicate, dead_lettered, run_id
     from audit.pipeline_batches order by topic, partition, incarnation, from_offset`,
  )
  return rows
}

export interface StoredProgress {
  readonly topic: string
  readonly partition: number
  readonly incarnation: number
  readonly first_offset: number
  readonly next_offset: number
  readonly cluster_id: string
  readonly log_start: number
  readonly last_offset: number | null
  readonly last_hash: string | null
  readonly stop_code: string | null
  readonly stop_reason: string | null
  readonly accepted_until: number
}

/** Every watermark, by partition. */
export async function readWatermarks(pool: Pool): Promise<StoredProgress[]> {
  const { rows } = await pool.query<StoredProgress>(
    'select * from audit.partition_progress order by topic, partition',
  )
  return rows
}
