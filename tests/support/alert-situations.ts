import { stream } from './stream.ts'

/** Statements that make a warehouse of the topic `t` look as if something had happened, for a superuser. */

export interface RunOf {
  readonly status?: 'running' | 'succeeded' | 'failed' | 'abandoned'
  /** Seconds since it finished. */
  readonly ago?: number
  /** Seconds that it took. */
  readonly took?: number
  readonly worker?: string
  readonly kind?: 'tick' | 'manual' | 'replay' | 'housekeeping'
  readonly error?: string
}

export const run = ({
  status = 'succeeded',
  ago = 20,
  took = 2,
  worker = 'w',
  kind = 'tick',
  error = 'it broke',
}: RunOf = {}) =>
  `insert into audit.pipeline_runs (stream, kind, worker, status, started_at, finished_at, error)
   values ('${stream.name}', '${kind}', '${worker}', '${status}', ${secondsAgo(ago + took)},
           ${status === 'running' ? 'null' : secondsAgo(ago)}, ${status === 'failed' ? `'${error}'` : 'null'})`

/** A batch of the newest run. */
export const batch = ({ ago = 20, consumed = 100, dead = 0, topic = 't' } = {}) =>
  `insert into audit.pipeline_batches (topic, partition, incarnation, from_offset, to_offset, batch_id, run_id, consumed,
     loaded, dead_lettered, extract_ms, validate_ms, transform_ms, load_ms, loaded_at)
   select '${topic}', 0, 1, max(id), max(id) + 1, '${topic}:0:' || max(id), max(id), ${consumed}, ${consumed - dead}, ${dead},
     1, 1, 1, 1, ${secondsAgo(ago)}
   from audit.pipeline_runs`

export const present = (worker: string, ago = 2) =>
  `insert into audit.workers (stream, name, schedule, partitions, contract_hash, seen_at)
   values ('${stream.name}', '${worker}', '* * * * *', '{0}', '', ${secondsAgo(ago)})`

/** A worker that holds records against a contract. */
export const contract = (worker: string, hash: string, startedAgo = 600, seenAgo = 2) =>
  `with registered as (
     update audit.streams set registered_at = ${secondsAgo(600)} where name = '${stream.name}'
   )
   insert into audit.workers (stream, name, schedule, partitions, contract_hash, started_at, seen_at)
   values ('${stream.name}', '${worker}', '* * * * *', '{0}', '${hash}', ${secondsAgo(startedAgo)}, ${secondsAgo(seenAgo)})`

/** A worker that is present took so many milliseconds for a record. */
export const slow = (worker: string, ms: number) =>
  `update audit.workers set longest_step_ms = ${ms} where name = '${worker}'`

export const pause = (ago: number) =>
  `update audit.control set paused_at = ${secondsAgo(ago)}, paused_by = 'ada', pause_reason = 'the shop moves' where stream = ''`

export const resumed = (ago: number) =>
  `insert into audit.operator_actions (stream, action, target, requested_by, via, status, requested_at)
   values ('${stream.name}', 'resume', '{}', 'ada', 'console', 'succeeded', ${secondsAgo(ago)})`

export const stopped = (partition: number, code: string, reason = 'so it is', topic = 't') =>
  `insert into audit.partition_progress
     (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start, stopped_at, stop_code, stop_reason)
   values ('${topic}', ${partition}, '${stream.name}', ${topic === 't' ? partition : partition + 10_000}, 1, 0, 0, 'c', 0, ${secondsAgo(60)}, '${code}', '${reason}')`

/** A partition of the stream, nothing of which was loaded yet. */
export const known = (partition: number, topic = 't') =>
  `insert into audit.partition_progress
     (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start)
   values ('${topic}', ${partition}, '${stream.name}', ${partition}, 1, 0, 0, 'c', 0)`

export const loss = (partition: number, from: number, to: number, topic = 't') =>
  `insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset, detected_at)
   values ('${topic}', ${partition}, 1, ${from}, ${to}, ${secondsAgo(60)})`

export const acknowledged = `update audit.data_losses set acknowledged_at = now(), acknowledged_by = 'ada', reason = 'sent again'`

const secondsAgo = (seconds: number) => `now() - interval '${seconds} seconds'`
