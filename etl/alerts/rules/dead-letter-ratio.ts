import type { AlertRule } from '../rule.ts'

/** Fewer records than this prove nothing. */
const MIN_RECORDS = 20
/** Once open it ends below this part of the limit, so that a share on the edge is one alert and not many. */
const RECOVERED = 0.6

/** Too large a share of the records of the last ten minutes could not be loaded. */
export const deadLetterRatio: AlertRule = {
  id: 'dead_letter_ratio',
  severity: 'warning',
  path: '/dead-letters',
  find: async (client, { topic, deadLetterRatio: limit }) => {
    const { rows } = await client.query<{ deadLettered: number; consumed: number; since: Date }>(
      `select sum(dead_lettered)::bigint as "deadLettered", sum(consumed)::bigint as consumed, now() as since
       from audit.pipeline_batches
       where topic = $1 and loaded_at > now() - interval '10 minutes'
       having case when exists (
           select from audit.alerts where rule = 'dead_letter_ratio' and ended_at is null
         )
         then sum(dead_lettered) > $2::double precision * $4::double precision * sum(consumed)
         else sum(dead_lettered) > $2::double precision * sum(consumed) and sum(consumed) >= $3
       end`,
      [topic, limit, MIN_RECORDS, RECOVERED],
    )
    return rows.map(({ deadLettered, consumed, since }) => ({
      scope: '',
      since,
      summary: `${deadLettered} of the ${consumed} records of the last ten minutes became dead letters`,
      firstAction:
        'Look at what went wrong by code and field: one of them since one moment is a producer that changed. Have it mended, then redrive the dead letters.',
    }))
  },
}
