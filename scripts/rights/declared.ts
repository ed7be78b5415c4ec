import type { Definition } from '../../etl/stream/definition.ts'
import { columnName } from '../../etl/stream/field.ts'
import { fillableColumns } from '../../etl/stream/fillable.ts'
import { countedTable, isEach, isLatest, redrivenTable } from '../../etl/stream/stored.ts'
import { viewNames } from '../../etl/stream/views.ts'
import { linesOf } from '../../etl/stream/rows.ts'

/**
 * What each group role may do in the warehouse: what the gate, `npm run rights` and the tests hold the database
 * against. The grants themselves are SQL, in migrations/ and scripts/migration/roles.ts; those on the tables of
 * streams follow from the declarations (scripts/migration/streams.ts).
 *
 * pulse_owner is not in it: it owns the schemas and all that is in them. Everybody else, by the name of
 * PUBLIC, may nothing.
 */
export interface ObjectRights {
  readonly pulse_loader?: readonly string[]
  readonly pulse_reader?: readonly string[]
}

/** A right on some columns is one for each: `UPDATE (attempts)`. */
const on = (right: 'SELECT' | 'UPDATE', ...columns: readonly string[]) =>
  columns.map((column) => `${right} (${column})`)

const ADD = ['SELECT', 'INSERT']
const KEEP = [...ADD, 'UPDATE']
const READ = ['SELECT']
const CALL = ['EXECUTE']

/** By the object as Postgres names it; a function with the types of its arguments. */
export type Declared = Readonly<Record<string, ObjectRights>>

/** What is there whatever is loaded. */
export const OF_ENGINE: Declared = {
  database: { pulse_loader: ['CONNECT'], pulse_reader: ['CONNECT'] },
  'schema warehouse': { pulse_loader: ['USAGE'], pulse_reader: ['USAGE'] },
  'schema audit': { pulse_loader: ['USAGE'], pulse_reader: ['USAGE'] },
  'schema public': {},

  'audit.partition_progress': { pulse_loader: KEEP, pulse_reader: READ },
  'audit.partition_starts': { pulse_loader: ADD, pulse_reader: READ },
  'audit.missed_deletions': { pulse_loader: [...ADD, ...on('UPDATE', 'swept_at')], pulse_reader: READ },
  'audit.pipeline_runs': { pulse_loader: KEEP, pulse_reader: READ },
  'audit.pipeline_batches': { pulse_loader: ADD, pulse_reader: READ },
  'audit.opening_balances': { pulse_loader: READ, pulse_reader: READ },
  'audit.data_losses': {
    pulse_loader: [...ADD, ...on('UPDATE', 'acknowledged_at', 'acknowledged_by', 'reason')],
    pulse_reader: READ,
  },
  'audit.dead_letters': {
    pulse_loader: [
      ...ADD,
      ...on('UPDATE', 'attempts', 'published_at', 'redriven_at', 'resolved_at', 'resolution'),
    ],
  },
  'audit.dead_letter_list': { pulse_reader: READ },
  'audit.control': { pulse_loader: ['SELECT', 'UPDATE'], pulse_reader: READ },
  'audit.operator_actions': {
    pulse_loader: [
      ...ADD,
      ...on(
        'UPDATE',
        'status',
        'total',
        'done',
        'position',
        'payload',
        'result',
        'error',
        'run_id',
        'worker',
      ),
      ...on('UPDATE', 'heartbeat_at', 'finished_at'),
    ],
    // Neither the corrected payload of a redrive nor how far a step has come.
    pulse_reader: [
      ...on('SELECT', 'id', 'action', 'target', 'reason', 'requested_by', 'via', 'requested_at', 'status'),
      ...on('SELECT', 'total', 'done', 'result', 'error', 'run_id', 'worker', 'heartbeat_at', 'finished_at'),
    ],
  },
  'audit.replay_ranges': {
    pulse_loader: [...ADD, ...on('UPDATE', 'next_offset', 'records', 'changed')],
    pulse_reader: READ,
  },
  'audit.forgotten': { pulse_loader: READ, pulse_reader: READ },
  'audit.workers': { pulse_loader: [...KEEP, 'DELETE'], pulse_reader: READ },
  'audit.console_sessions': { pulse_loader: [...KEEP, 'DELETE'] },
  'audit.alerts': { pulse_loader: [...ADD, ...on('UPDATE', 'ended_at')], pulse_reader: READ },
  'audit.alert_notifications': { pulse_loader: KEEP },
  'audit.streams': { pulse_loader: READ, pulse_reader: READ },
  'audit.schemas': { pulse_loader: ADD, pulse_reader: READ },
  'audit.schema_migrations': { pulse_loader: READ, pulse_reader: READ },

  'audit.ensure_partition(text, timestamp with time zone)': { pulse_loader: CALL },
  'audit.drop_partition(text, date)': { pulse_loader: CALL },
  'audit.drop_keys(text, integer, bigint)': { pulse_loader: CALL },
  'audit.prune_versions(text)': { pulse_loader: CALL },
  'audit.forget(text, jsonb, bigint[], bigint[], bigint)': { pulse_loader: CALL },
  'audit.fold_batches(text, integer, integer, integer)': { pulse_loader: CALL },
  'audit.prune_dead_letters(integer)': { pulse_loader: CALL },
  'audit.prune_runs(integer)': { pulse_loader: CALL },
  'audit.prune_alerts(integer)': { pulse_loader: CALL },

  // Of Postgres' own functions only SERVER_FUNCTIONS are looked at.
  'pg_catalog.pg_advisory_xact_lock(bigint)': { pulse_loader: CALL },
  'pg_catalog.pg_advisory_xact_lock(integer, integer)': { pulse_loader: CALL },
  'pg_catalog.pg_try_advisory_xact_lock(bigint)': { pulse_loader: CALL },
  'pg_catalog.pg_try_advisory_xact_lock(integer, integer)': { pulse_loader: CALL },
}

/**
 * On the tables of streams: the loader may do what loads and replays do, and no more.
 *
 * @param retired tables of streams that are declared no longer: they may still be read.
 */
export function ofStreams(streams: readonly Definition[], retired: readonly string[] = []): Declared {
  const rights: Record<string, ObjectRights> = {}
  for (const stream of streams) {
    const { name, derived = {}, identity, rollups = {}, write } = stream
    // A replay brings what is derived up to date, and fills what rows from before a field have not.
    const columns = [
      ...Object.keys(derived).map((field) => columnName(derived, field)),
      ...fillableColumns(stream),
    ]
    if (isLatest(stream)) {
      rights[`warehouse.${name}`] = { pulse_loader: KEEP, pulse_reader: READ }
      for (const view of viewNames(stream))
        rights[`warehouse.${view}`] = { pulse_loader: READ, pulse_reader: READ }
    }
    rights[`warehouse.${countedTable(stream)}`] = {
      // A sweep marks versions whose deletion the log has lost.
      pulse_loader: [...ADD, ...on('UPDATE', ...columns, ...(identity.by === 'log' ? ['deleted_at'] : []))],
      pulse_reader: READ,
    }
    if (identity.scope === 'warehouse') rights[`warehouse.${identity.keys}`] = { pulse_loader: ADD }
    if (isEach(stream)) rights[`warehouse.${redrivenTable(stream)}`] = { pulse_loader: ADD }
    for (const { table } of linesOf(stream))
      rights[`warehouse.${table}`] = { pulse_loader: ADD, pulse_reader: READ }
    for (const rollup of Object.keys(rollups))
      rights[`warehouse.${rollup}`] = { pulse_loader: KEEP, pulse_reader: READ }
    for (const [table, granted] of Object.entries(write?.tables ?? {}))
      rights[`warehouse.${table}`] = { pulse_loader: granted, pulse_reader: READ }
  }
  for (const table of retired) rights[`warehouse.${table}`] ??= { pulse_loader: READ, pulse_reader: READ }
  return rights
}

/**
 * Functions of Postgres that everybody may execute by default, and that harm others: advisory locks (ours
 * could be taken, and migrations held up by it) and large objects (a place to write to). A condition on pg_proc.
 */
export const SERVER_FUNCTIONS = `pronamespace = 'pg_catalog'::regnamespace
  and (proname ~ '^pg_(try_)?advisory_' or proname in ('lo_creat', 'lo_create', 'lo_from_bytea'))`
