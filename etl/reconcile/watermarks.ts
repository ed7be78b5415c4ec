import type { Progress } from '../ledger/progress.ts'
import type { Snapshot } from './snapshot.ts'

/** The snapshot's time by the warehouse's clock, and the watermarks of all topics in it. */
export interface Watermarks {
  readonly at: Date
  readonly progress: readonly Progress[]
}

export async function readWatermarks(snapshot: Snapshot): Promise<Watermarks> {
  const { rows: progress } = await snapshot.query<Progress>(
    `select topic, partition, incarnation, first_offset as "firstOffset", next_offset as "nextOffset",
            cluster_id as "clusterId", log_start as "logStart", last_offset as "lastOffset", last_hash as "lastHash",
            stop_code as "stopCode", stop_reason as "stopReason", accepted_until as "acceptedUntil"
     from audit.partition_progress order by topic, partition`,
  )
  const { rows } = await snapshot.query<{ at: Date }>('select now() as at')
  return { at: rows[0]!.at, progress }
}
