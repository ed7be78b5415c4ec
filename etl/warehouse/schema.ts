import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { DEAD_LETTER_CODES } from '../types.ts'

/**
 * The warehouse's tables, from which drizzle-kit writes migrations/. What drizzle can't say (partitioning,
 * roles, grants, functions, views) is written by hand in those files.
 */

/**
 * Text that is part of a key: compared by code point, which is faster than a language's order and can't
 * be corrupted by another version of the system's locales.
 */
const keyText = customType<{ data: string; config: { length: number } }>({
  dataType: (config) => `varchar(${config?.length}) collate "C"`,
})
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
/** Postgres resolves timestamps to microseconds; read as text, since a JS date would lose three digits. */
const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' })
const count = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)
const offsetColumn = (name: string) => bigint(name, { mode: 'number' })
const identity = () => bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity()
const oneOf = (column: string, values: readonly string[]) =>
  sql.raw(`"${column}" in (${values.map((value) => `'${value}'`).join(', ')})`)

export const warehouse = pgSchema('warehouse')
export const audit = pgSchema('audit')

/**
 * Claims an order for the whole warehouse: a unique key over `transactions` would have to contain its
 * partition column.
 */
export const orderKeys = warehouse.table('order_keys', {
  orderId: uuid('order_id').primaryKey(),
  transactionTimestamp: instant('transaction_timestamp').notNull(),
})

/** The facts. Partitioned by month (in the migration). */
export const transactions = warehouse.table(
  'transactions',
  {
    id: identity(),
    transactionTimestamp: instant('transaction_timestamp').notNull(),
    processedAt: instant('processed_at').notNull().defaultNow(),
    orderId: uuid('order_id').notNull(),
    sourceOffset: offsetColumn('source_offset').notNull(),
    sourcePartition: integer('source_partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    isFraudFlagged: boolean('is_fraud_flagged').notNull(),
    fraudScore: smallint('fraud_score').notNull(),
    amount: numeric('amount', { precision: 12, scale: 2 }).notNull(),
    taxAmount: numeric('tax_amount', { precision: 12, scale: 2 }).notNull(),
    totalAmount: numeric('total_amount', { precision: 14, scale: 2 }).notNull(),
    currency: keyText('currency', { length: 3 }).notNull(),
    customerId: keyText('customer_id', { length: 50 }).notNull(),
    productCategory: keyText('product_category', { length: 50 }).notNull(),
    batchId: text('batch_id').notNull(),
    fraudReasons: text('fraud_reasons').array().notNull(),
  },
  (table) => [
    primaryKey({ name: 'transactions_pkey', columns: [table.transactionTimestamp, table.orderId] }),
    index('transactions_customer').on(table.customerId),
    index('transactions_flagged')
      .on(table.transactionTimestamp)
      .where(sql`is_fraud_flagged`),
    check('transactions_amount_positive', sql`amount > 0`),
    check('transactions_fraud_score', sql`fraud_score between 0 and 100`),
  ],
)

/**
 * Sales by minute, kept in the load transaction. The partition is part of the key, so that workers on
 * different partitions never wait for each other's rows.
 */
export const salesByMinute = warehouse.table(
  'sales_by_minute',
  {
    minute: instant('minute').notNull(),
    sourcePartition: integer('source_partition').notNull(),
    currency: keyText('currency', { length: 3 }).notNull(),
    productCategory: keyText('product_category', { length: 50 }).notNull(),
    transactions: count('transactions'),
    flagged: count('flagged'),
    /** Sums have no precision: an overflow would blame an innocent record. */
    amount: numeric('amount').notNull().default('0'),
    taxAmount: numeric('tax_amount').notNull().default('0'),
    flaggedAmount: numeric('flagged_amount').notNull().default('0'),
  },
  (table) => [
    primaryKey({
      name: 'sales_by_minute_pkey',
      columns: [table.minute, table.sourcePartition, table.currency, table.productCategory],
    }),
  ],
)

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
    headers: jsonb('headers').notNull(),
    code: text('code').notNull(),
    issues: jsonb('issues').notNull(),
    batchId: text('batch_id').notNull(),
    attempts: integer('attempts').notNull().default(0),
    redriveOf: text('redrive_of'),
    createdAt: instant('created_at').notNull().defaultNow(),
    publishedAt: instant('published_at'),
    resolvedAt: instant('resolved_at'),
    resolution: text('resolution'),
  },
  (table) => [
    unique('dead_letters_origin').on(table.topic, table.partition, table.incarnation, table.offset),
    index('dead_letters_unpublished')
      .on(table.topic, table.partition, table.incarnation, table.offset)
      .where(sql`published_at is null`),
    index('dead_letters_created').on(table.createdAt),
    check('dead_letters_code', oneOf('code', DEAD_LETTER_CODES)),
  ],
)

export const RUN_KINDS = ['tick', 'manual'] as const
export const RUN_STATUSES = ['running', 'succeeded', 'failed', 'abandoned'] as const

/** One row for each tick or manual run of one worker. Totals are the sums of its batches. */
export const pipelineRuns = audit.table(
  'pipeline_runs',
  {
    id: identity().primaryKey(),
    kind: text('kind', { enum: RUN_KINDS }).notNull(),
    worker: text('worker').notNull(),
    status: text('status', { enum: RUN_STATUSES }).notNull().default('running'),
    startedAt: instant('started_at').notNull().defaultNow(),
    finishedAt: instant('finished_at'),
    batches: count('batches'),
    consumed: count('consumed'),
    loaded: count('loaded'),
    duplicate: count('duplicate'),
    deadLettered: count('dead_lettered'),
    retries: count('retries'),
    error: text('error'),
  },
  (table) => [
    index('pipeline_runs_started').on(table.startedAt),
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
    deadLettered: count('dead_lettered'),
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
    check('pipeline_batches_balance', sql`consumed = loaded + duplicate + dead_lettered`),
    check('pipeline_batches_range', sql`from_offset < to_offset`),
  ],
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
    incarnation: integer('incarnation').notNull(),
    /** Where this incarnation began: the ledger tiles from here to next_offset. */
    firstOffset: offsetColumn('first_offset').notNull(),
    nextOffset: offsetColumn('next_offset').notNull(),
    clusterId: text('cluster_id').notNull(),
    logStart: offsetColumn('log_start').notNull(),
    /** The last record delivered, to be found again in the log; null before the first. */
    lastOffset: offsetColumn('last_offset'),
    lastTimestamp: instant('last_timestamp'),
    lastHash: text('last_hash'),
    stoppedAt: instant('stopped_at'),
    stopCode: text('stop_code'),
    stopReason: text('stop_reason'),
    /** The operator let it go on: up to here batches are not held against the rejection ratio. */
    acceptedUntil: offsetColumn('accepted_until').notNull().default(0),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ name: 'partition_progress_pkey', columns: [table.topic, table.partition] })],
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
