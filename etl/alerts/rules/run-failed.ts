import { plain } from '../../text/excerpt.ts'
import { scrub } from '../../process/log.ts'
import { GONE_AFTER_SECONDS } from '../../ledger/runs.ts'
import type { AlertRule } from '../rule.ts'

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
