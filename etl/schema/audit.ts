import {
  bigint,
  check,
  doublePrecision,
  index,
  integer,
  pgSchema,
  primaryKey,
  text,
  unique,
  sql,
} from '../postgres/drizzle.ts'
import { bytea, count, identity, instant, json, offsetColumn, oneOf } from './columns.ts'

/** What was done: runs, the ledger of batches, watermarks, dead letters, losses. */

export const audit = pgSchema('audit')

/** Why a record became a dead letter. The names are part of the contract at the edges. */
export const DEAD_LETTER_CODES = [
  'malformed_json',
  'schema_violation',
  'timestamp_out_of_range',
  'conflicting_duplicate',
  'rejected_by_warehouse',
  'undecodable',
  'malformed_value',
  'incomplete_row',
  'unknown_schema',
  'key_moved',
] as const

/** Records that could not be loaded, and the outbox that they are published from. */
export const deadLetters = audit.table(
  'dead_letters',
  {
    id: identity().primaryKey(),
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    offset: offsetColumn('offset').notNull(),
    incarnation: integer('incarnation').notNull(),
    kafkaTimestamp: instant('kafka_timestamp').notNull(),
    key: bytea('key'),
    value: bytea('value'),
    headers: json('headers').$type<readonly Readonly<Record<string, unknown>>[]>().notNull(),
    code: text('code', { enum: DEAD_LETTER_CODES }).notNull(),
    issues: json('issues').$type<readonly Readonly<Record<string, unknown>>[]>().notNull(),
    /** What went wrong, to group by: the code, and the field of the first issue. */
    failure: text('failure')
      .notNull()
      .generatedAlwaysAs(sql`code || coalesce(' ' || nullif(issues -> 0 ->> 'field', ''), '')`),
    batchId: text('batch_id').notNull(),
    /** How often it failed again after a redrive; counted on the first one of a chain. */
    attempts: integer('attempts').notNull().default(0),
    /** The origin of the first one of its chain, where this is a later attempt. */
    redriveOf: text('redrive_of'),
    createdAt: instant('created_at').notNull().defaultNow(),
    publishedAt: instant('published_at'),
    /** Sent back to the topic, and what became of it is not known yet. */
    redrivenAt: instant('redriven_at'),
    resolvedAt: instant('resolved_at'),
    resolution: text('resolution'),
    /** Since when its bytes, headers and issues are overwritten. */
    forgottenAt: instant('forgotten_at'),
  },
  (table) => [
    unique('dead_letters_origin').on(table.topic, table.partition, table.incarnation, table.offset),
    index('dead_letters_unpublished')
      .on(table.topic, table.partition, table.incarnation, table.offset)
      .where(sql`published_at is null`),
    index('dead_letters_created').on(table.createdAt),
    index('dead_letters_open')
      .on(table.topic, table.failure, table.createdAt, table.id)
      .where(sql`resolved_at is null`),
    index('dead_letters_waiting')
      .on(table.topic, table.failure)
      .where(sql`resolved_at is null and redriven_at is not null`),
    index('dead_letters_redrives')
      .on(table.redriveOf)
      .where(sql`redrive_of is not null`),
    index('dead_letters_batch').on(table.batchId),
    check('dead_letters_code', oneOf('code', DEAD_LETTER_CODES)),
  ],
)

export const RUN_KINDS = ['tick', 'manual', 'replay', 'housekeeping'] as const
export const RUN_STATUSES = ['running', 'succeeded', 'failed', 'abandoned'] as const

/** One row for each tick, manual run, replay or housekeeping of a stream by one worker. Totals are the sums of its batches. */
export const pipelineRuns = audit.table(
  'pipeline_runs',
  {
    id: identity().primaryKey(),
    kind: text('kind', { enum: RUN_KINDS }).notNull(),
    stream: text('stream').notNull(),
    worker: text('worker').notNull(),
    status: text('status', { enum: RUN_STATUSES }).notNull().default('running'),
    startedAt: instant('started_at').notNull().defaultNow(),
    finishedAt: instant('finished_at'),
    batches: count('batches'),
    consumed: count('consumed'),
    loaded: count('loaded'),
    duplicate: count('duplicate'),
    /** Records that are no row, by their envelope. */
    skipped: count('skipped'),
    deadLettered: count('dead_lettered'),
    retries: count('retries'),
    error: text('error'),
  },
  (table) => [
    index('pipeline_runs_started').on(table.startedAt),
    index('pipeline_runs_of_stream').on(table.stream, table.startedAt),
    // Few: the runs under way, which each start looks through, and the failed ones.
    index('pipeline_runs_unsettled')
      .on(table.startedAt)
      .where(sql`status <> 'succeeded'`),
    check('pipeline_runs_kind', oneOf('kind', RUN_KINDS)),
    check('pipeline_runs_status', oneOf('status', RUN_STATUSES)),
  ],
)

/**
 * The ledger: what became of each range of offsets. Ranges of a partition's incarnation tile; offsets
 * are sparse, so `consumed` counts the records delivered, not the offsets.
 */
export const pipelineBatches = audit.table(
  'pipeline_batches',
  {
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    fromOffset: offsetColumn('from_offset').notNull(),
    toOffset: offsetColumn('to_offset').notNull(),
    batchId: text('batch_id').notNull(),
    runId: bigint('run_id', { mode: 'number' })
      .notNull()
      .references(() => pipelineRuns.id),
    consumed: count('consumed'),
    loaded: count('loaded'),
    duplicate: count('duplicate'),
    skipped: count('skipped'),
    deadLettered: count('dead_lettered'),
    /** Of the loaded ones, those whose facts were dropped for their age since. */
    dropped: count('dropped'),
    bytes: count('bytes'),
    /** Kafka's timestamps of the oldest and the newest record delivered; null where there was none. */
    oldestRecordAt: instant('oldest_record_at'),
    newestRecordAt: instant('newest_record_at'),
    extractMs: doublePrecision('extract_ms').notNull(),
    validateMs: doublePrecision('validate_ms').notNull(),
    transformMs: doublePrecision('transform_ms').notNull(),
    /** Up to the writing of this row: the commit itself can't be in it. */
    loadMs: doublePrecision('load_ms').notNull(),
    loadedAt: instant('loaded_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (table) => [
    primaryKey({
      name: 'pipeline_batches_pkey',
      columns: [table.topic, table.partition, table.incarnation, table.fromOffset],
    }),
    unique('pipeline_batches_batch_id').on(table.batchId),
    index('pipeline_batches_run').on(table.runId),
    index('pipeline_batches_loaded_at').on(table.loadedAt),
    check('pipeline_batches_balance', sql`consumed = loaded + duplicate + skipped + dead_lettered`),
    check('pipeline_batches_range', sql`from_offset < to_offset`),
  ],
)

/** Why a partition stands still until an operator acts. */
export const STOP_CODES = [
  'mass_rejection',
  'another_cluster',
  'log_shorter',
  'log_start_moved_back',
  'log_differs',
  'another_owner',
  'partitions_grew',
  'truncated',
  'another_writer',
  'moved',
] as const

/**
 * The record types that are loaded, as `npm run migrate` registers them; only the owner writes it. The functions
 * that act with the owner's rights look tables and columns up here.
 */
export const streams = audit.table('streams', {
  name: text('name').primaryKey(),
  /** The table whose rows are what was loaded (facts, or the history of versions), and its column of the event time. */
  facts: text('facts').notNull(),
  eventTime: text('event_time').notNull(),
  /** The table of current rows, where versions are loaded. */
  current: text('current'),
  /** Columns, of the history. */
  version: text('version')
    .array()
    .notNull()
    .default(sql`'{}'::text[]`),
  /** How many versions of a key the history keeps; null where it keeps all. */
  keepVersions: integer('keep_versions'),
  /** month or day; null where the table is not cut. */
  partitionBy: text('partition_by').default('month'),
  /** How long facts are kept, in days, where the declaration says it. */
  keepDays: integer('keep_days'),
  /** Columns. */
  identity: text('identity').array().notNull(),
  /** The table of keys; null where the facts' own key is what claims an identity. */
  keys: text('keys'),
  rollups: json('rollups')
    .$type<readonly { readonly table: string; readonly time: string; readonly count: string }[]>()
    .notNull()
    .default(sql`'[]'::jsonb`),
  /** The tables of lines that hang on the facts, each with the column of the facts that has their number. */
  lines: json('lines')
    .$type<readonly { readonly table: string; readonly count: string }[]>()
    .notNull()
    .default(sql`'[]'::jsonb`),
  /** Columns that say something about a person, and what takes the place of a value of theirs: null, or a text of it. */
  personal: json('personal')
    .$type<readonly { readonly table: string; readonly column: string; readonly marker: string | null }[]>()
    .notNull()
    .default(sql`'[]'::jsonb`),
  /** Of the declaration that was registered last; null where none was. */
  contractHash: text('contract_hash'),
  registeredAt: instant('registered_at').notNull().defaultNow(),
  /** Since when it is no longer declared: tables, books and proof stay. */
  retiredAt: instant('retired_at'),
})

export const SCHEMA_TYPES = ['AVRO', 'JSON', 'PROTOBUF'] as const

/**
 * Schemas of the registry that a record has named: a rebuild, a replay and the proof read them here and need no registry.
 * A schema of an id never changes.
 */
export const schemas = audit.table(
  'schemas',
  {
    id: integer('id').primaryKey(),
    type: text('type', { enum: SCHEMA_TYPES }).notNull(),
    text: text('text').notNull(),
    /** Those that it refers to, by the names that it has for them, each before those that refer to it. */
    imports: json('imports')
      .$type<readonly { readonly name: string; readonly text: string }[]>()
      .notNull()
      .default(sql`'[]'::jsonb`),
    learntAt: instant('learnt_at').notNull().defaultNow(),
  },
  () => [check('schemas_type', oneOf('type', SCHEMA_TYPES))],
)

/**
 * The watermark, and what the log looked like when it was moved. Its row lock is what serialises two
 * workers that both believe they own the partition.
 */
export const partitionProgress = audit.table(
  'partition_progress',
  {
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    stream: text('stream')
      .notNull()
      .references(() => streams.name),
    /** What facts and rollups call it: see etl/ledger/first-watermark.ts. */
    sourcePartition: integer('source_partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    /** Where this incarnation began: the ledger tiles from here to next_offset. */
    firstOffset: offsetColumn('first_offset').notNull(),
    nextOffset: offsetColumn('next_offset').notNull(),
    clusterId: text('cluster_id').notNull(),
    logStart: offsetColumn('log_start').notNull(),
    /** Last stable offset when a run last looked: lag, for those who can't ask Kafka. */
    logEnd: offsetColumn('log_end'),
    logSeenAt: instant('log_seen_at'),
    /** The last record delivered, to be found again in the log; null before the first. */
    lastOffset: offsetColumn('last_offset'),
    lastTimestamp: instant('last_timestamp'),
    lastHash: text('last_hash'),
    stoppedAt: instant('stopped_at'),
    stopCode: text('stop_code', { enum: STOP_CODES }),
    stopReason: text('stop_reason'),
    /** A record that stopped the partition, and that an operator let it pass: it is skipped. */
    passedOffset: offsetColumn('passed_offset'),
    /** Who wrote the records so far, where their envelope names one; another one stops the partition. */
    writer: text('writer'),
    /** The operator let it go on: up to here batches are not held against the rejection ratio. */
    acceptedUntil: offsetColumn('accepted_until').notNull().default(0),
    /** The run that last began to load from here, where the watermark stood then, and how many died of it in a row. */
    takenUpBy: bigint('taken_up_by', { mode: 'number' }),
    takenUpAt: instant('taken_up_at'),
    takenUpOffset: offsetColumn('taken_up_offset'),
    deaths: integer('deaths').notNull().default(0),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'partition_progress_pkey', columns: [table.topic, table.partition] }),
    unique('partition_progress_source').on(table.stream, table.sourcePartition),
  ],
)

/**
 * Where a stream began in a topic by its declaration, other than with the oldest record: what the log held before is not read.
 * Written once, with the first watermark.
 */
export const partitionStarts = audit.table(
  'partition_starts',
  {
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    /** `end`, or a time. */
    declared: text('declared').notNull(),
    /** The first offset that the log held then. */
    logStart: offsetColumn('log_start').notNull(),
    /** The first that is read. */
    firstOffset: offsetColumn('first_offset').notNull(),
    worker: text('worker').notNull(),
    /** Of the declaration that it was begun by. */
    contractHash: text('contract_hash').notNull(),
    startedAt: instant('started_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'partition_starts_pkey', columns: [table.topic, table.partition] }),
    check('partition_starts_range', sql`log_start <= first_offset`),
  ],
)

/** Offsets that the log no longer had when we came to them. */
export const dataLosses = audit.table(
  'data_losses',
  {
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    fromOffset: offsetColumn('from_offset').notNull(),
    toOffset: offsetColumn('to_offset').notNull(),
    detectedAt: instant('detected_at').notNull().defaultNow(),
    acknowledgedAt: instant('acknowledged_at'),
    acknowledgedBy: text('acknowledged_by'),
    reason: text('reason'),
  },
  (table) => [
    primaryKey({
      name: 'data_losses_pkey',
      columns: [table.topic, table.partition, table.incarnation, table.fromOffset],
    }),
    check('data_losses_range', sql`from_offset < to_offset`),
  ],
)

/**
 * Times in which a compacted log may have lost deletions before they were read: a tombstone stays for delete.retention.ms. What
 * was deleted then is found by a sweep.
 */
export const missedDeletions = audit.table(
  'missed_deletions',
  {
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    /** All that Kafka stored until then was read; what it stored later was not read for too long. */
    readUntil: instant('read_until').notNull(),
    noticedAt: instant('noticed_at').notNull().defaultNow(),
    sweptAt: instant('swept_at'),
  },
  (table) => [
    primaryKey({
      name: 'missed_deletions_pkey',
      columns: [table.topic, table.partition, table.incarnation, table.readUntil],
    }),
  ],
)
