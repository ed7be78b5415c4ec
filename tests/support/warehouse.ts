import type { Pool } from 'pg'

/** A fact as stored; money as Postgres writes it, times in UTC to the microsecond. */
export interface StoredFact {
  readonly order_id: string
  readonly amount: string
  readonly tax_amount: string
  readonly total_amount: string
  readonly currency: string
  readonly customer_id: string
  readonly product_category: string
  readonly is_fraud_flagged: boolean
  readonly fraud_score: number
  readonly fraud_reasons: string[]
  /** Such as 2026-11-21T10:00:00.000000Z. */
  readonly at: string
  readonly batch_id: string
  readonly source_partition: number
  readonly source_offset: number
  readonly incarnation: number
}

/** Every fact, by partition and offset. */
export async function readFacts(pool: Pool): Promise<StoredFact[]> {
  const { rows } = await pool.query<StoredFact>(
    `select order_id, amount, tax_amount, total_amount, currency, customer_id, product_category, is_fraud_flagged,
            fraud_score, fraud_reasons, batch_id, source_partition, source_offset, incarnation,
            to_char(transaction_timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
     from warehouse.transactions order by source_partition, incarnation, source_offset`,
  )
  return rows
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
