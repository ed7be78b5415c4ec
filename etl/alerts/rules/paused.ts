import { plain } from '../../text/excerpt.ts'
import type { AlertRule } from '../rule.ts'

interface Pause {
  readonly since: Date
  readonly by: string | null
  readonly reason: string | null
}

/**
 * The job has been paused for an hour. Somebody meant it, so at first it is no alert; but a pause that was
 * forgotten silences `late`, and ends in data loss when Kafka's retention comes.
 */
export const paused: AlertRule = {
  id: 'paused',
  severity: 'warning',
  path: '/actions',
  find: async (client) => {
    const { rows } = await client.query<Pause>(
      `select paused_at as since, paused_by as by, pause_reason as reason
       from audit.control where paused_at < now() - interval '1 hour'`,
    )
    return rows.map(({ since, by, reason }) => ({
      scope: '',
      since,
      summary: `Paused for more than an hour by ${plain(by ?? 'somebody', 100)}: ${plain(reason ?? 'no reason given', 300)}`,
      firstAction: 'Where the reason is over, resume: pulse resume',
    }))
  },
}
