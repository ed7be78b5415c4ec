import type { AlertRule } from '../rule.ts'

interface Loss {
  readonly partition: number
  readonly offsets: number
  readonly since: Date
  readonly from: number
}

/** Kafka dropped records before they were loaded, and nobody has taken note of it yet. */
export const dataLoss: AlertRule = {
  id: 'data_loss',
  severity: 'critical',
  path: '/actions',
  find: async (client, { topic }) => {
    const { rows } = await client.query<Loss>(
      `select partition, sum(to_offset - from_offset)::bigint as offsets, min(detected_at) as since,
              (array_agg(from_offset order by detected_at))[1] as "from"
       from audit.data_losses where topic = $1 and acknowledged_at is null
       group by partition order by partition`,
      [topic],
    )
    return rows.map(({ partition, offsets, since, from }) => ({
      scope: `partition ${partition}`,
      since,
      summary: `Kafka dropped ${offsets === 1 ? 'an offset' : `${offsets} offsets`} of partition ${partition} of ${topic} before loading, from offset ${from} on`,
      firstAction: `Have the records of that time sent again by those who produced them; then take note of it: pulse partitions acknowledge-loss ${partition} ${from} --reason …`,
    }))
  },
}
