import type { Config } from '../../etl/process/config.ts'
import type { Kafka } from '../../etl/kafka/client.ts'
import { openLogReader } from '../../etl/kafka/log-reader.ts'
import { openMembership, type Membership } from '../../etl/kafka/membership.ts'
import { connectProducer } from '../../etl/kafka/producer.ts'
import type { Logger } from '../../etl/process/log.ts'
import type { Pipeline } from '../../etl/job/stages.ts'
import { runOnce, type RunSettings, type RunSummary } from '../../etl/job/run.ts'
import type { DrainKind } from '../../etl/ledger/runs.ts'
import { Dispatcher } from '../../etl/job/dispatcher.ts'
import { createMetrics, type Metrics, type StreamMetrics } from '../../etl/metrics/metrics.ts'
import { createPipeline, requireSameWarehouse } from '../../etl/worker/runs.ts'
import { readOwner } from '../../etl/ledger/warehouse-name.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { readMigrations, type Migrations } from '../../etl/postgres/migrations.ts'
import type { Stream } from '../../etl/stream/compile.ts'
import { stream as theStream } from './stream.ts'
import { waitFor } from './wait-for.ts'

/** What a test may change of one run. */
export interface RunOverrides
  extends Partial<Pipeline>, Partial<Pick<RunSettings, 'budgetMs' | 'concurrency'>> {
  readonly signal?: AbortSignal
  readonly kind?: DrainKind
}

/** A worker in this process, put together as etl/worker/worker.ts does it, without clock and HTTP. */
export interface InProcessWorker {
  readonly pipeline: Pipeline & { readonly membership: Place; readonly metrics: StreamMetrics }
  readonly metrics: Metrics
  readonly settings: RunSettings
  runOnce(overrides?: RunOverrides): Promise<RunSummary>
  close(): Promise<void>
}

export interface WorkerOptions {
  readonly kafka: Kafka
  readonly config: Config<'kafka' | 'database' | 'etl' | 'housekeeping'>
  readonly logger: Logger
  readonly name: string
  /**
   * `group` (default) joins the group. A list makes a worker that believes it owns these partitions,
   * whatever the group and others believe; the group refuses its offsets.
   */
  readonly owns?: 'group' | readonly number[]
  /** That of this installation unless told otherwise. */
  readonly stream?: Stream
  readonly migrations?: Migrations
  readonly onOutdated?: (error: Error) => void
}

export async function openWorker({
  kafka,
  config,
  logger,
  name,
  owns = 'group',
  stream = theStream,
  migrations = readMigrations(),
  onOutdated = () => undefined,
}: WorkerOptions): Promise<InProcessWorker> {
  const pool = createPool(config, 'pulse_loader', logger)
  const owner = await readOwner(pool)
  const [reader, producer, membership] = await Promise.all([
    openLogReader(kafka, config.KAFKA_TOPIC),
    connectProducer(kafka, { idempotent: false }),
    owns === 'group' ? join(kafka, config, owner, logger) : believer(owns),
  ])
  const metrics = createMetrics(pool)
  const pipeline = createPipeline(
    config,
    stream,
    { pool, reader, producer, membership },
    {
      dispatcher: new Dispatcher(8, [stream.name]),
      interval: () => 1_000,
      metrics: metrics.of(stream.name, membership),
      requireSameWarehouse: () => requireSameWarehouse(pool, migrations, stream, onOutdated),
    },
  )
  const settings: RunSettings = {
    kafka,
    worker: name,
    logger,
    topic: config.KAFKA_TOPIC,
    groupId: config.KAFKA_GROUP_ID,
    owner,
    offsetsSeen: new Map(),
    budgetMs: config.ETL_RUN_BUDGET_MS,
    concurrency: 8,
  }
  return {
    pipeline,
    metrics,
    settings,
    runOnce: async ({ signal, kind, budgetMs, concurrency, ...changed } = {}) => {
      await itsShare(pipeline)
      return runOnce(
        { ...pipeline, ...changed },
        {
          ...settings,
          budgetMs: budgetMs ?? settings.budgetMs,
          concurrency: concurrency ?? settings.concurrency,
        },
        kind ?? 'manual',
        signal ?? new AbortController().signal,
      )
    },
    close: async () => {
      await Promise.all([membership.leave(), producer.disconnect(), reader.close(), pool.end()])
    },
  }
}

/**
 * On a busy machine the group may rebalance at any time, and a member that joined may have nothing yet: a
 * run would then find nothing to do, rightly, and the next tick would. A test has no next tick.
 */
const itsShare = ({ membership }: { readonly membership: Place }) =>
  waitFor('partitions of its own', () => membership.standsAside() || membership.partitions().length > 0)

type Place = Pick<
  Membership,
  'join' | 'stepAside' | 'standsAside' | 'partitions' | 'commit' | 'leave' | 'rebalances'
>

async function join(kafka: Kafka, config: Config<'kafka'>, owner: string, logger: Logger): Promise<Place> {
  const membership = await openMembership(kafka, {
    topic: config.KAFKA_TOPIC,
    groupId: config.KAFKA_GROUP_ID,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
    owner,
    logger,
    onCrash: (error) => logger.fatal({ err: error }, 'the consumer crashed'),
  })
  await membership.join()
  await membership.joined()
  return membership
}

/** As one that the group has expelled without its knowing: its commits are refused. */
function believer(partitions: readonly number[]): Place {
  return {
    join: () => Promise.resolve(),
    stepAside: () => Promise.resolve(),
    standsAside: () => false,
    partitions: () => partitions,
    commit: () => Promise.resolve(false),
    leave: () => Promise.resolve(),
    rebalances: () => 0,
  }
}
