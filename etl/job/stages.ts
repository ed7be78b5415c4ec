import { PartitionCursor } from '../kafka/cursor.ts'
import type { LogReader } from '../kafka/log-reader.ts'
import type { Membership } from '../kafka/membership.ts'
import { batchId, type Batch } from '../ledger/batches.ts'
import { stopPartition, type Progress, type StopCode } from '../ledger/watermark.ts'
import type { Logger } from '../process/log.ts'
import type { Stream } from '../stream/compile.ts'
import { partitionsOf, type MonthKeeper } from '../stream/months.ts'
import type { Fact, Rejection, Stopping, ValidRecord } from '../stream/types.ts'
import { acknowledge, type Acknowledger } from './acknowledge.ts'
import { learnSchemas, type Learner } from './learn-schemas.ts'
import { limitsAfter, twice } from './crash-loop.ts'
import type { Dispatcher, EndTurn } from './dispatcher.ts'
import { extract } from './extract.ts'
import { load, type LoadOutcome, type PreparedBatch } from './load.ts'
import type { RunObserver } from './observer.ts'
import { loadWithRecovery } from './recovery.ts'
import { transformInSteps } from './transform.ts'
import { validate, type Judged } from './validate.ts'

/** What the pipeline works with; made once by main. */
export interface Pipeline extends Acknowledger, Learner {
  readonly stream: Stream
  readonly reader: LogReader
  readonly membership: Pick<Membership, 'join' | 'stepAside' | 'commit' | 'partitions' | 'rebalances'>
  readonly metrics: RunObserver
  /** Whoever works on a batch has a turn, from its extract to its load. */
  readonly dispatcher: Dispatcher
  /** Milliseconds from one run to the next. */
  readonly interval: () => number
  readonly months: MonthKeeper
  /** Ends the worker, and throws, where the warehouse is another version's by now. */
  readonly requireSameWarehouse: () => Promise<void>
  readonly batchSize: number
  readonly batchBytes: number
  readonly maxAgeDays: number
  readonly deadLetterMaxRatio: number
}

/** One run's share of the work. */
export interface RunLimits {
  readonly runId: number
  /** Aborted when the process is told to stop. */
  readonly signal: AbortSignal
  /** Whether the run's time is up. */
  readonly isOver: () => boolean
  readonly onRetry: () => void
  /** Its lines carry the run_id. */
  readonly logger: Logger
}

/** The verbs of the pipeline for one partition in one run, each with what must hold around it. */
export interface Stages {
  /**
   * Waits for its turn, which ends with the load. Takes its time; after a crash its batches are small at first and grow
   * with each that is loaded.
   */
  readonly extract: () => Promise<Batch | undefined>
  /** Those that the batch is validated by. Gives what `interruption` says where that ends it; its time is that of extract. */
  readonly learnSchemas: <Interruption>(
    batch: Batch,
    interruption: () => Interruption | undefined,
  ) => Promise<Interruption | undefined>
  /** Takes its time. Cuts the batch before a record that stops the partition. */
  readonly validate: (batch: Batch) => Judged & { readonly batch: Batch }
  /** Takes its time. */
  readonly transform: (valid: readonly ValidRecord[], rejected: Rejection[]) => Promise<Fact[]>
  /**
   * With retries, and halved where Postgres refuses a record; stops the partition on mass rejection, and behind what
   * was loaded where a record asks for it.
   */
  readonly load: (
    prepared: Omit<PreparedBatch, 'timings'> & { readonly stop?: Stopping },
  ) => Promise<'loaded' | 'moved' | 'stopped'>
  /** Up to what was loaded. Refusals of the topic or the group are logged: nothing is lost by them. */
  readonly acknowledge: () => Promise<void>
  /** As `acknowledge`, where the last time is a second ago. */
  readonly acknowledgeAtTimes: () => Promise<void>
  /** Gives the turn back, where one is taken: after an error. */
  readonly endTurn: () => void
}

/** Each day of a batch is a table to lock with its indexes, and Postgres has room for so many locks in all. */
const MAX_DAYS_AT_ONCE = 31

const ACKNOWLEDGE_EVERY_MS = 1_000

export function stagesOf(
  pipeline: Pipeline,
  progress: Progress,
  end: number,
  run: RunLimits,
  crashes: number,
): Stages {
  const logger = run.logger.child({ partition: progress.partition })
  const cursor = new PartitionCursor(pipeline.reader, progress.partition, progress.nextOffset)
  const full = { maxRecords: pipeline.batchSize, maxBytes: pipeline.batchBytes }
  let limits = limitsAfter(crashes, full)
  /** Milliseconds, of the batch in hand. */
  const timings = { extract: 0, validate: 0, transform: 0 }
  let loadedTo = progress.nextOffset
  let acknowledgedAt = performance.now()
  let endTurn: EndTurn | undefined
  const urgency = () => (end - loadedTo) / Math.max(1, pipeline.interval())
  // Both are read with the watermark and change with it alone: a load that finds it elsewhere has no effect.
  let { writer } = progress
  const { passedOffset } = progress

  const timed = <T>(stage: keyof typeof timings, verb: () => T): T => {
    const started = performance.now()
    const done = verb()
    timings[stage] = performance.now() - started
    return done
  }

  const acknowledgeLoaded = async () => {
    await acknowledge(pipeline, progress, loadedTo, logger)
    acknowledgedAt = performance.now()
  }

  const stopAs = async (code: StopCode, reason: string, seen: Progress) => {
    if (await stopPartition(pipeline.pool, seen, code, reason)) logger.error(`partition stopped: ${reason}`)
    return 'stopped' as const
  }
  /** All before the record is loaded: the watermark is at it. */
  const stopAt = ({ stop, reason, record }: Stopping) =>
    stopAs(stop, reason, { ...progress, nextOffset: record.offset })

  return {
    extract: async () => {
      endTurn = await pipeline.dispatcher.turn(pipeline.stream.name, urgency)
      const started = performance.now()
      const batch = await extract(cursor, progress, { end, ...limits })
      timings.extract = performance.now() - started
      if (batch === undefined) endTurn()
      return batch
    },
    learnSchemas: async (batch, interruption) => {
      if (pipeline.stream.schemas === undefined) return undefined
      const started = performance.now()
      const options = { signal: run.signal, logger }
      const interrupted = await learnSchemas(pipeline, batch.records, interruption, options)
      timings.extract += performance.now() - started
      return interrupted
    },
    validate: (batch) => {
      const judged = timed('validate', () => validate(batch.records, pipeline, { passedOffset, writer }))
      return { ...judged, batch: judged.stop === undefined ? batch : before(batch, judged.stop) }
    },
    transform: async (valid, rejected) => {
      const started = performance.now()
      const { stream, metrics } = pipeline
      const facts = await transformInSteps(valid, stream, rejected, metrics.stepTook)
      timings.transform = performance.now() - started
      return facts
    },
    load: async ({ stop, ...prepared }) => {
      const { batch } = prepared
      if (batch.from === batch.to) return stopAt(stop!)
      const outcome = await loadRecovered(pipeline, { ...prepared, timings: { ...timings } }, run, logger)
      endTurn?.()
      if (outcome.kind === 'mass_rejection') return stopAs('mass_rejection', outcome.reason, outcome.seen)
      if (outcome.kind !== 'loaded') return outcome.kind
      loadedTo = batch.to
      limits = twice(limits, full)
      writer = prepared.writer ?? writer
      return stop === undefined ? 'loaded' : stopAt(stop)
    },
    acknowledge: acknowledgeLoaded,
    acknowledgeAtTimes: async () => {
      if (performance.now() - acknowledgedAt > ACKNOWLEDGE_EVERY_MS) await acknowledgeLoaded()
    },
    endTurn: () => endTurn?.(),
  }
}

/** The part of a batch that lies before a record. */
function before(batch: Batch, { record }: Stopping): Batch {
  const to = record.offset
  const records = batch.records.filter(({ offset }) => offset < to)
  const bytes = Math.round((batch.bytes * records.length) / batch.records.length)
  return { ...batch, id: batchId({ ...batch, to }), to, records, bytes }
}

async function loadRecovered(
  pipeline: Pipeline,
  prepared: PreparedBatch,
  run: RunLimits,
  partitionLogger: Logger,
): Promise<LoadOutcome> {
  const logger = partitionLogger.child({ batch_id: prepared.batch.id })
  try {
    const outcome = await loadWithRecovery(prepared, {
      isOfFacts: pipeline.stream.isOfFacts,
      requireSameWarehouse: pipeline.requireSameWarehouse,
      isTooWide: ({ facts }) =>
        pipeline.stream.definition.partitionBy === 'day' &&
        partitionsOf(facts, pipeline.stream) > MAX_DAYS_AT_ONCE,
      load: (part) => loadMeasured(pipeline, part, run.runId),
      signal: run.signal,
      onRetry: run.onRetry,
      logger,
    })
    logger.debug({ ...outcome, ...prepared.timings }, 'batch')
    return outcome
  } catch (error) {
    if (error !== run.signal.reason)
      logger.error({ err: error }, 'the batch was not loaded; its offsets stay')
    throw error
  }
}

async function loadMeasured(
  pipeline: Pipeline,
  prepared: PreparedBatch,
  runId: number,
): Promise<LoadOutcome> {
  const started = performance.now()
  const outcome = await load(pipeline, prepared, runId)
  if (outcome.kind === 'loaded') pipeline.metrics.batchLoaded(prepared, outcome, performance.now() - started)
  return outcome
}
