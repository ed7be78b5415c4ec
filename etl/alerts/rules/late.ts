import type { AlertRule } from '../rule.ts'

/**
 * For too long no run has succeeded, and none that is under way has loaded anything, though nobody paused
 * the job. Waiting counts from the last of these:
 * - the last success, or the last batch of a run that did not fail: working off a backlog is not late;
 * - the last resume;
 * - the start: the first run that was attempted since the last success, or, where not even that happened, the
 *   moment when this worker began to look. So a start after a weekend has the whole time for its first
 *   success, but workers that die again and again don't put the alarm off: their attempts stand.
 */
export const late: AlertRule = {
  id: 'late',
  severity: 'critical',
  path: '/',
  find: async (client, { lateSeconds, watchedSeconds }) => {
    const { rows } = await client.query<{ since: Date }>(
      `with success as (
         select max(finished_at) as at from (
           select finished_at from audit.pipeline_runs
           where status = 'succeeded' and kind in ('tick', 'manual') order by started_at desc limit 1
         ) newest
       ), attempt as (
         select min(started_at) as at from (
           select started_at from audit.pipeline_runs
           where kind in ('tick', 'manual') and started_at > coalesce((select at from success), '-infinity')
           order by started_at limit 1
         ) oldest
       ), signs as (
         select at from success
         union all
         select max(b.loaded_at) from audit.pipeline_batches b join audit.pipeline_runs r on r.id = b.run_id
         where b.loaded_at > now() - make_interval(secs => $1) and r.kind in ('tick', 'manual')
           and r.status in ('running', 'succeeded')
         union all
         select max(requested_at) from audit.operator_actions
         where action = 'resume' and requested_at > now() - make_interval(secs => $1)
         union all
         select least(now() - make_interval(secs => $2), (select at from attempt))
       )
       select max(at) as since from signs
       where (select paused_at from audit.control) is null
       having max(at) < now() - make_interval(secs => $1)`,
      [lateSeconds, watchedSeconds],
    )
    return rows.map(({ since }) => ({
      scope: '',
      since,
      summary: `No run has succeeded for more than ${lateSeconds} s`,
      firstAction:
        'Look at the last runs: where they failed, the error says why; where there are none, at the log of the workers. Nothing is lost: records wait in Kafka until its retention takes them.',
    }))
  },
}
