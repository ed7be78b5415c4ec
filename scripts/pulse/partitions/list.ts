import { printRows, type Column } from '../output.ts'
import { inSession } from '../session.ts'

interface Watermark {
  readonly topic: string
  readonly partition: number
  readonly incarnation: number
  readonly firstOffset: number
  readonly nextOffset: number
  readonly acceptedUntil: number
  readonly clusterId: string
  readonly updatedAt: Date
  readonly openLosses: number
  readonly stoppedAt: Date | null
  readonly stopCode: string | null
  readonly stopReason: string | null
}

const COLUMNS: readonly Column<Watermark>[] = [
  { heading: 'topic', of: ({ topic }) => topic },
  { heading: 'partition', of: ({ partition }) => String(partition) },
  { heading: 'incarnation', of: ({ incarnation }) => incarnation },
  { heading: 'first', of: ({ firstOffset }) => firstOffset },
  { heading: 'watermark', of: ({ nextOffset }) => nextOffset },
  { heading: 'accepted until', of: ({ acceptedUntil }) => acceptedUntil },
  { heading: 'open losses', of: ({ openLosses }) => openLosses },
  { heading: 'updated', of: ({ updatedAt }) => updatedAt },
  { heading: 'code', of: ({ stopCode }) => stopCode },
  { heading: 'stopped', of: ({ stoppedAt }) => stoppedAt },
  { heading: 'reason', of: ({ stopReason }) => stopReason },
]

/** The watermarks as the warehouse has them; `pulse status` holds them against Kafka. */
export async function listPartitions({ json = false }: { json?: boolean }): Promise<void> {
  await inSession(async ({ pool }) => {
    const { rows } = await pool.query<Watermark>(
      `select topic, partition, incarnation, first_offset as "firstOffset", next_offset as "nextOffset",
              accepted_until as "acceptedUntil", cluster_id as "clusterId", updated_at as "updatedAt",
              (select count(*) from audit.data_losses l
               where l.topic = p.topic and l.partition = p.partition and acknowledged_at is null) as "openLosses",
              stopped_at as "stoppedAt", stop_code as "stopCode", stop_reason as "stopReason"
       from audit.partition_progress p order by topic, partition`,
    )
    printRows(rows, COLUMNS, { json, none: 'No partition has a watermark: nothing was loaded yet.' })
  })
}
