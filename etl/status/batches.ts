import type { Pool } from 'pg'

/** A batch of a run, with the time that each stage took. */
export interface Batch {
  readonly batchId: string
  readonly partition: number
  readonly from: number
  /** One past the last. */
  readonly to: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly deadLettered: number
  readonly bytes: number
  readonly extractMs: number
  readonly validateMs: number
  readonly transformMs: number
  readonly loadMs: number
  /** The end of its load; its stages came one after the other before it. */
  readonly loadedAt: Date
}

/** The batches of a run in the order in which they were loaded. */
export async function readBatches(
  pool: Pool,
  runId: number,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<Batch[]> {
  const { rows } = await pool.query<Batch>(
    `select batch_id as "batchId", partition, from_offset as "from", to_offset as "to", consumed, loaded, duplicate,
            dead_lettered as "deadLettered", bytes, extract_ms as "extractMs", validate_ms as "validateMs",
            transform_ms as "transformMs", load_ms as "loadMs", loaded_at as "loadedAt"
     from audit.pipeline_batches where run_id = $1 order by loaded_at, batch_id limit $2 offset $3`,
    [runId, limit, offset],
  )
  return rows
}
