import { DRAIN_KINDS, GONE_AFTER_SECONDS } from '../../ledger/runs.ts'
import { alias, and, desc, eq, gt, inArray, lt, sql } from '../../postgres/drizzle.ts'
import { on, read } from '../../postgres/query.ts'
import { scrub } from '../../process/log.ts'
import { pipelineBatches, pipelineRuns, streams } from '../../schema/audit.ts'
import { control, operatorActions, workers } from '../../schema/operations.ts'
import { plain } from '../../text/excerpt.ts'
import type { AlertRule } from '../alert.ts'

const r = alias(pipelineRuns, 'r')
const isDrain = inArray(r.kind, DRAIN_KINDS)

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
  find: async (client, { stream, lateSeconds, watchedSeconds }) => {
    const b = alias(pipelineBatches, 'b')
    const { action, requestedAt } = operatorActions
    const found = await read(
      client,
      {
        since: sql<Date>`max(at)`,
        isRun: sql<boolean>`exists (select from ${workers} where ${workers.stream} = ${stream}
          and ${workers.seenAt} > now() - make_interval(secs => ${GONE_AFTER_SECONDS}))`,
      },
      (columns) => sql`
        with success as (
          select (
            select ${r.finishedAt} from ${pipelineRuns} r
            where ${r.status} = 'succeeded' and ${isDrain} and ${r.stream} = ${stream}
            order by ${r.startedAt} desc limit 1
          ) as at
        ), attempt as (
          select (
            select ${r.startedAt} from ${pipelineRuns} r
            where ${isDrain} and ${r.stream} = ${stream} and ${r.startedAt} > coalesce((select at from success), '-infinity')
            order by ${r.startedAt} limit 1
          ) as at
        ), signs as (
          select at from success
          union all
          select max(${b.loadedAt}) from ${pipelineBatches} b join ${pipelineRuns} r on ${r.id} = ${b.runId}
          where ${b.loadedAt} > now() - make_interval(secs => ${lateSeconds}) and ${isDrain} and ${r.stream} = ${stream}
            and ${r.status} in ('running', 'succeeded')
          union all
          select max(${requestedAt}) from ${operatorActions}
          where ${action} = 'resume' and coalesce(${operatorActions.stream}, ${stream}) = ${stream}
            and ${requestedAt} > now() - make_interval(secs => ${lateSeconds})
          union all
          select least(now() - make_interval(secs => ${watchedSeconds}), (select at from attempt))
        )
        select ${columns} from signs
        where not exists (
          select from ${control} where ${control.pausedAt} is not null and ${control.stream} in ('', ${stream})
        )
        having max(at) < now() - make_interval(secs => ${lateSeconds})`,
    )
    return found.map(({ since, isRun }) => ({
      scope: '',
      since,
      summary: `No run has succeeded for more than ${lateSeconds} s${isRun ? '' : ': no worker runs the stream'}`,
      firstAction: isRun
        ? 'Look at the last runs: where they failed, the error says why; where there are none, at the log of the workers. Nothing is lost: records wait in Kafka until its retention takes them.'
        : 'Start a worker that runs it: look at STREAMS, and at the log of those that should be there. Nothing is lost: pulse reconcile says what waits in Kafka, until its retention takes it.',
    }))
  },
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
  find: async (client, { stream }) => {
    // The failed ones have a run's columns.
    const f = alias(pipelineRuns, 'f')
    const found = await read(
      client,
      { worker: f.worker, finishedAt: f.finishedAt, error: f.error },
      (columns) => sql`
        with failed as (
          select distinct on (${r.worker}) r.* from ${pipelineRuns} r
          where ${r.status} = 'failed' and ${isDrain} and ${r.stream} = ${stream} and ${r.startedAt} > now() - interval '1 day'
          order by ${r.worker}, ${r.startedAt} desc
        ), present as (
          select ${workers.name} from ${workers}
          where ${workers.stream} = ${stream} and ${workers.seenAt} > now() - make_interval(secs => ${GONE_AFTER_SECONDS})
        )
        select ${columns} from failed f
        where ${f.finishedAt} > now() - interval '2 minutes' or not exists (
          select from ${pipelineRuns} r
          where ${r.status} = 'succeeded' and ${isDrain} and ${r.stream} = ${stream} and ${r.startedAt} > ${f.startedAt}
            and (${r.worker} = ${f.worker} or ${f.worker} not in (select name from present))
        )
        order by ${f.finishedAt} desc`,
    )
    const [newest] = found
    if (newest === undefined) return []
    const error = plain(scrub(newest.error ?? 'without a word'), QUOTED)
    return [
      {
        scope: '',
        since: newest.finishedAt!,
        summary:
          found.length === 1
            ? `A run of ${newest.worker} failed: ${error}`
            : `Runs of ${found.length} workers failed, the newest of ${newest.worker}: ${error}`,
        firstAction:
          'Read the error: it says which side is out of reach, or what else is wrong. Nothing is lost, the next tick tries again.',
      },
    ]
  },
}

/**
 * The job has been paused for an hour. Somebody meant it, so at first it is no alert; but a pause that was
 * forgotten silences `late`, and ends in data loss when Kafka's retention comes.
 */
export const paused: AlertRule = {
  id: 'paused',
  severity: 'warning',
  path: '/actions',
  ofAll: true,
  find: async (client, { stream }) => {
    const { pausedAt, pausedBy: by, pauseReason: reason } = control
    const found = await on(client)
      .select({ since: pausedAt, by, reason })
      .from(control)
      .where(and(eq(control.stream, stream), lt(pausedAt, sql`now() - interval '1 hour'`)))
    return found.map((pause) => ({
      scope: '',
      since: pause.since!,
      summary: `Paused for more than an hour by ${plain(pause.by ?? 'somebody', 100)}: ${plain(pause.reason ?? 'no reason given', 300)}`,
      firstAction: `Where the reason is over, resume: pulse resume${stream === '' ? '' : ` --stream ${stream}`}`,
    }))
  },
}

/**
 * A record of a stream takes a worker so long that all else waits: other streams, heartbeats, pages. It is `derive`, or
 * a word's check, that is slow.
 */
export const slowRecord: AlertRule = {
  id: 'slow_record',
  severity: 'warning',
  path: '/',
  find: async (client, { stream }) => {
    const [slowest] = await on(client)
      .select({ ms: workers.longestStepMs, name: workers.name, since: workers.seenAt })
      .from(workers)
      .where(
        and(
          eq(workers.stream, stream),
          gt(workers.longestStepMs, 0),
          sql`${workers.seenAt} > now() - make_interval(secs => ${GONE_AFTER_SECONDS})`,
        ),
      )
      .orderBy(desc(workers.longestStepMs))
      .limit(1)
    if (slowest === undefined) return []
    return [
      {
        scope: '',
        since: slowest.since,
        summary: `A record of ${stream} took ${slowest.name} ${Math.round(slowest.ms)} ms of computing, in which nothing else could go on`,
        firstAction:
          'Make what the stream derives faster: it should take microseconds. Until then run the stream in workers of its own: STREAMS.',
      },
    ]
  },
}

/**
 * Workers hold the records of a stream against different contracts, or against another than the warehouse was
 * migrated for: what becomes of a record depends on which of them takes it. In an upgrade that is so for a moment.
 */
export const contractsDiffer: AlertRule = {
  id: 'contracts_differ',
  severity: 'warning',
  path: '/',
  find: async (client, { stream }) => {
    const found = await read(
      client,
      { since: sql<Date>`since`, workers: sql<string>`names` },
      (columns) => sql`
        select ${columns}
        from ${streams}, lateral (
          select greatest(max(${workers.startedAt}), ${streams.registeredAt}) as since,
                 string_agg(${workers.name}, ', ' order by ${workers.name}) as names,
                 count(distinct ${workers.contractHash}) as contracts,
                 bool_or(${workers.contractHash} <> ${streams.contractHash}) as others
          from ${workers}
          where ${workers.stream} = ${streams.name}
            and ${workers.seenAt} > now() - make_interval(secs => ${GONE_AFTER_SECONDS})
        ) seen
        where ${streams.name} = ${stream} and (contracts > 1 or others) and since < now() - interval '1 minute'`,
    )
    return found.map(({ since, workers: names }) => ({
      scope: '',
      since,
      summary: `Workers hold records of ${stream} against different contracts: ${plain(names, 300)}`,
      firstAction:
        'Bring all workers to the version that the warehouse was migrated for; what the others loaded meanwhile is named by pulse reconcile --deep.',
    }))
  },
}
