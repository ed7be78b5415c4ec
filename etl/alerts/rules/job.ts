import { GONE_AFTER_SECONDS } from '../../ledger/runs.ts'
import { scrub } from '../../process/log.ts'
import { plain } from '../../text/excerpt.ts'
import type { AlertRule } from '../alert.ts'

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

interface FailedRun {
  readonly worker: string
  readonly finishedAt: Date
  readonly error: string | null
}

/** Code points of a run's error that an alert quotes. */
const QUOTED = 300

/**
 * A run failed and that is not over. Over means: the same worker has succeeded since, or, where that worker
 * is gone, any has. So one worker that fails beside another that succeeds is one alert from its first
 * failure to its next success, not one for each tick; and a run that fails every other time is one alert
 * too, because a failure counts for two minutes at least.
 *
 * A warning, as the next tick tries again: where that doesn't help, `late` follows.
 */
export const runFailed: AlertRule = {
  id: 'run_failed',
  severity: 'warning',
  path: '/runs',
  find: async (client) => {
    const { rows } = await client.query<FailedRun>(
      `with failed as (
         select distinct on (worker) worker, started_at, finished_at, error from audit.pipeline_runs
         where status = 'failed' and kind in ('tick', 'manual') and started_at > now() - interval '1 day'
         order by worker, started_at desc
       ), present as (
         select name from audit.workers where seen_at > now() - make_interval(secs => $1)
       )
       select f.worker, f.finished_at as "finishedAt", f.error from failed f
       where f.finished_at > now() - interval '2 minutes' or not exists (
         select from audit.pipeline_runs s
         where s.status = 'succeeded' and s.kind in ('tick', 'manual') and s.started_at > f.started_at
           and (s.worker = f.worker or f.worker not in (select name from present))
       )
       order by f.finished_at desc`,
      [GONE_AFTER_SECONDS],
    )
    const [newest] = rows
    if (newest === undefined) return []
    const error = plain(scrub(newest.error ?? 'without a word'), QUOTED)
    return [
      {
        scope: '',
        since: newest.finishedAt,
        summary:
          rows.length === 1
            ? `A run of ${newest.worker} failed: ${error}`
            : `Runs of ${rows.length} workers failed, the newest of ${newest.worker}: ${error}`,
        firstAction:
          'Read the error: it says which side is out of reach, or what else is wrong. Nothing is lost, the next tick tries again.',
      },
    ]
  },
}

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
