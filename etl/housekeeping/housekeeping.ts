import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { topicSettings, withAdmin } from '../kafka/topics.ts'
import { and, eq, lt, or, sql } from '../postgres/drizzle.ts'
import { on, read } from '../postgres/query.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Config } from '../process/config.ts'
import { scrub, type Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'
import { pipelineRuns } from '../schema/audit.ts'
import type { Stream } from '../stream/compile.ts'
import { messageOf } from '../text/message-of.ts'
import { expireSessions, foldBatches, pruneAlerts, pruneDeadLetters, pruneRuns } from './ledger.ts'
import { dropMonth, makeMonthsAhead, monthsAheadMissing, monthsOlderThan } from './months.ts'
import { dropKeys, keepsTooShort, keptDays, keyAgeDays, pruneVersions } from './retention.ts'

export interface HousekeepingOptions {
  readonly pool: Pool
  readonly kafka: Kafka
  readonly stream: Stream
  readonly config: Config<'kafka' | 'housekeeping'>
  /** Names this worker in the ledger. */
  readonly worker: string
  readonly logger: Logger
  readonly isPaused: () => boolean
}

/** How often a worker looks whether something is due. */
const LOOK_EVERY_MS = 600_000

/** Keeps the warehouse small and its months made, once a day, by whichever worker comes first. */
export function startHousekeeping(options: HousekeepingOptions): Repetition {
  let isFirst = true
  return repeatedly('housekeeping', LOOK_EVERY_MS, options.logger, async (signal) => {
    if (isFirst)
      await sayWhereKeepIsTooShort(options).catch((err: unknown) =>
        options.logger.warn({ err }, 'the topic’s settings were not read'),
      )
    isFirst = false
    await housekeepIfDue(options, signal)
  })
}

/** At the start, and not only when something is due to be dropped. */
async function sayWhereKeepIsTooShort({ kafka, stream, config, logger }: HousekeepingOptions): Promise<void> {
  if (stream.definition.keep === undefined) return
  const settings = await withAdmin(kafka, (admin) => topicSettings(admin, config.KAFKA_TOPIC))
  const problem = keepsTooShort(stream.definition, settings)
  if (problem !== undefined) logger.warn(problem)
}

/** What was done, by its name in the log: counts of rows. */
export type HousekeepingResult = Readonly<Record<string, number>>

/** Ends what is under way: the operator's switch, or the worker's end. */
class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/**
 * One run, where one is due.
 *
 * @returns what was done, undefined where nothing was due.
 * @throws where not even the run could be written down.
 */
export async function housekeepIfDue(
  options: HousekeepingOptions,
  signal: AbortSignal,
): Promise<HousekeepingResult | undefined> {
  if (options.isPaused()) return undefined
  const runId = await claimRun(options.pool, options.stream, options.worker)
  if (runId === undefined) return undefined
  const started = performance.now()
  const { result, outcome, causes } = await housekeep(options, signal)
  await closeRun(options.pool, runId, outcome)
  const logger = options.logger.child({ run_id: runId })
  const fields = { ...result, duration_ms: Math.round(performance.now() - started) }
  for (const [step, err] of causes) logger.error({ err, step }, 'a step of housekeeping failed')
  if (outcome.status === 'succeeded') logger.info(fields, 'housekeeping')
  else logger.warn({ ...fields, error: outcome.error }, 'housekeeping was not finished; it is tried again')
  return result
}

/** Every step; one that fails doesn't keep the others from being done, but the run has failed. */
async function housekeep(
  options: HousekeepingOptions,
  signal: AbortSignal,
): Promise<{ result: HousekeepingResult; outcome: RunOutcome; causes: [step: string, error: unknown][] }> {
  const result: Record<string, number> = {}
  const causes: [string, unknown][] = []
  const goOn = () => {
    if (signal.aborted) throw new Interrupted('the worker was stopped')
    if (options.isPaused()) throw new Interrupted('paused')
  }
  try {
    for (const [name, step] of stepsOf(options, signal, goOn)) {
      goOn()
      try {
        result[name] = await step()
      } catch (error) {
        goOn()
        causes.push([name, error])
      }
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    return { result, causes, outcome: { status: 'abandoned', error: `interrupted: ${error.message}` } }
  }
  if (causes.length === 0) return { result, causes, outcome: { status: 'succeeded', error: undefined } }
  const error = causes.map(([name, cause]) => `${name}: ${messageOf(cause)}`).join('; ')
  return { result, causes, outcome: { status: 'failed', error: scrub(error).slice(0, 2_000) } }
}

type Step = () => Promise<number>

/** In this order: a month's facts go before their keys, batches before their dead letters and runs. */
function stepsOf(
  { pool, kafka, stream, config, logger }: HousekeepingOptions,
  signal: AbortSignal,
  goOn: () => void,
): [name: string, step: Step][] {
  const { partitionBy } = stream.definition
  const steps: [string, Step][] = []
  if (partitionBy !== undefined) steps.push([`${partitionBy}s_made`, () => makeMonthsAhead(pool, stream)])
  const days = keptDays(config, stream.definition)
  if (days !== undefined && partitionBy !== undefined) {
    const settings = () => withAdmin(kafka, (admin) => topicSettings(admin, config.KAFKA_TOPIC))
    const mayDrop = async () => {
      const problem = keepsTooShort(stream.definition, await settings())
      if (problem !== undefined) logger.warn(problem)
      return problem === undefined
    }
    steps.push(['facts_dropped', () => dropOldMonths(pool, stream, days, mayDrop, signal, goOn)])
    const { identity } = stream.definition
    if (identity.scope === 'warehouse')
      steps.push([
        `${identity.keys}_dropped`,
        async () => {
          const age = keyAgeDays(days, await settings())
          // The owner's function deletes none that are younger.
          if (age !== undefined) return dropKeys(pool, stream, Math.max(age, 32), goOn)
          logger.info(`${identity.keys} stay: by its settings the topic may bring any of its records again`)
          return 0
        },
      ])
  }
  if (
    stream.definition.identity.latest !== undefined &&
    stream.definition.identity.keepVersions !== undefined
  )
    steps.push(['versions_pruned', () => pruneVersions(pool, stream, goOn)])
  const ledgerDays = config.LEDGER_RETENTION_DAYS
  if (ledgerDays !== undefined) {
    steps.push(
      ['batches_folded', () => foldBatches(pool, stream.name, ledgerDays, goOn)],
      ['dead_letters_pruned', () => pruneDeadLetters(pool, ledgerDays, goOn)],
      ['runs_pruned', () => pruneRuns(pool, ledgerDays, goOn)],
      ['alerts_pruned', () => pruneAlerts(pool, ledgerDays, goOn)],
    )
  }
  steps.push(['sessions_expired', () => expireSessions(pool)])
  return steps
}

async function dropOldMonths(
  pool: Pool,
  stream: Stream,
  days: number,
  mayDrop: () => Promise<boolean>,
  signal: AbortSignal,
  goOn: () => void,
): Promise<number> {
  let facts = 0
  for (const month of await monthsOlderThan(pool, stream, days)) {
    goOn()
    // Asked before each: somebody may change the topic meanwhile.
    if (!(await mayDrop())) break
    facts += await dropMonth(pool, stream, month, signal)
  }
  return facts
}

/**
 * Opens a run of housekeeping of a stream where one is due: the last that succeeded is a day old, or a month ahead is
 * missing. The row is the claim. Those who come at the same time look one after the other (the advisory
 * lock, held for this moment only, so that it is safe behind a pooler too) and the second finds the row.
 *
 * A run that is an hour old belongs to a worker that died, or to a slow one. Then two go on side by side,
 * which does no harm: each step decides by what is there, and the steps wait for each other.
 *
 * @returns its id, or undefined where nothing is to be done here.
 */
async function claimRun(pool: Pool, stream: Stream, worker: string): Promise<number | undefined> {
  const { kind, status, startedAt } = pipelineRuns
  const ofStream = and(eq(kind, 'housekeeping'), eq(pipelineRuns.stream, stream.name))
  return inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtext('pulse: claim housekeeping'))`)
    await on(client)
      .update(pipelineRuns)
      .set({ status: 'abandoned', finishedAt: sql`now()`, error: 'the worker ended without a word' })
      .where(
        and(
          ofStream,
          eq(status, 'running'),
          or(eq(pipelineRuns.worker, worker), lt(startedAt, sql`now() - interval '1 hour'`)),
        ),
      )
    const [run] = await read(
      client,
      { id: pipelineRuns.id },
      (columns) => sql`
        insert into ${pipelineRuns} (kind, stream, worker)
        select 'housekeeping', ${stream.name}, ${worker}
        where not exists (select from ${pipelineRuns} where ${ofStream} and ${status} = 'running')
          and (exists (${sql.raw(monthsAheadMissing(stream))}) or not exists (
            select from ${pipelineRuns}
            where ${ofStream} and ${status} = 'succeeded' and ${startedAt} > now() - interval '1 day'))
        returning ${columns}`,
    )
    return commit(run?.id)
  })
}

interface RunOutcome {
  readonly status: 'succeeded' | 'failed' | 'abandoned'
  readonly error: string | undefined
}

async function closeRun(pool: Pool, runId: number, { status, error }: RunOutcome): Promise<void> {
  await on(pool)
    .update(pipelineRuns)
    .set({ status, error: error ?? null, finishedAt: sql`now()` })
    .where(eq(pipelineRuns.id, runId))
}
