import type { ClientBase } from 'pg'
import type { LogPart } from '../kafka/log-parts.ts'
import type { Job } from '../operations/background.ts'
import type { Pipeline } from '../job/stages.ts'
import { transformInSteps } from '../job/transform.ts'
import { validate } from '../job/validate.ts'
import { learnStored } from '../ledger/schemas.ts'
import { lockProgress, type Progress } from '../ledger/watermark.ts'
import { findRedrives, firstPlaces } from '../ledger/redrives.ts'
import type { Stream } from '../stream/compile.ts'
import { compare, type Comparison } from './compare.ts'
import { and, eq, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { replayRanges } from '../schema/operations.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Fill } from './fill.ts'
import { addGone, addPart, type ReplayFigures } from './figures.ts'
import type { PlannedRange } from './plan.ts'

/** What a replay takes from the pipeline: the current code and its settings. */
export type ReplayRules = Pick<Pipeline, 'pool' | 'stream' | 'batchSize' | 'batchBytes' | 'maxAgeDays'> & {
  /** Of a replay that fills a field, in place of bringing what is derived up to date. */
  readonly fill?: Fill | undefined
}

/** How far a replay has come in a partition. */
export interface ReplayProgress extends PlannedRange {
  readonly next: number
}

/**
 * Replays a part of the log in one transaction: facts, rollup and how far it came, or nothing. Done a second
 * time, it finds nothing to change.
 *
 * Why it does no harm to the loads beside it: the partition's progress row is locked first, as in every
 * load, and then facts and rollup in the same order, so the two come one after the other and never wait in a
 * circle; the row itself is only read. What is computed is computed before, so a load waits for a few
 * statements; the step itself gives up after 5 s of waiting (lock_timeout) and is tried again.
 *
 * @returns the figures with this part's.
 */
export async function replayPart(
  { pool, fill, ...rules }: ReplayRules,
  job: Job,
  range: ReplayProgress,
  part: LogPart,
  figures: ReplayFigures,
): Promise<ReplayFigures> {
  const records = part.kind === 'records' ? part.records : []
  const { stream } = rules
  await learnStored(pool, stream.schemas, records)
  const { valid, rejected } = validate(records, rules)
  const derived = await transformInSteps(valid, stream, rejected)
  return inTransaction(pool, async (client) => {
    const progress = await lockProgress(client, range)
    requireSameOffsets(progress, range)
    const redrives = await findRedrives(client, records)
    const facts = stream.identity.place(derived, progress.incarnation, firstPlaces(redrives))
    const compared =
      fill === undefined
        ? compare(facts, await stream.facts.findDerivations(client, facts, progress), stream.derived)
        : await fill.compare(client, facts, progress)
    const { changed } = compared
    if (!isDryRun(job) && changed.length > 0)
      await (fill === undefined
        ? store(client, stream, changed, progress)
        : fill.store(client, changed, progress))
    const offsets = part.to - part.from
    const grown =
      part.kind === 'gone'
        ? addGone(figures, offsets)
        : addPart(stream, figures, {
            offsets,
            records: records.length,
            notValid: rejected.length,
            compared,
            fill: fill?.field,
          })
    await advanceReplayRange(
      client,
      job.action.id,
      { ...part, partition: range.partition },
      { records: records.length, changed: changed.length },
    )
    await job.saveProgress(client, { done: grown.offsets, position: grown.offsets, result: { ...grown } })
    return commit(grown)
  })
}

/**
 * Of versions, the history is updated first, and then the current rows that are these very versions, under their locks:
 * what a load has put in their place meanwhile is left alone, and so is the rollup, which counts that.
 */
async function store(
  client: ClientBase,
  { facts, current, rollups }: Stream,
  changed: readonly Comparison[],
  source: Progress,
): Promise<void> {
  const after = changed.map(({ fact }) => fact)
  await facts.updateDerivations(client, after, source)
  if (current === undefined) {
    const before = changed.map(({ stored }) => stored)
    for (const rollup of rollups) await rollup.replace(client, before, after, source.sourcePartition)
    return
  }
  const counted = await current.lockCurrent(client, after, source)
  if (counted.length === 0) return
  await current.updateDerivations(client, counted)
  const before = changed.filter(({ fact }) => counted.includes(fact)).map(({ stored }) => stored)
  for (const rollup of rollups) await rollup.add(client, counted, source.sourcePartition, before)
}

const isDryRun = ({ action }: Job): boolean => action.target['dryRun'] === true

/** @throws Error where the offsets mean other records than when the replay was asked for. */
export function requireSameOffsets(progress: Progress, range: ReplayProgress): void {
  const name = `${range.topic}/${range.partition}`
  if (progress.incarnation !== range.incarnation)
    throw new Error(
      `${name} is in incarnation ${progress.incarnation} now, the replay is of ${range.incarnation}: ask for a new one`,
    )
  if (progress.nextOffset < range.to)
    throw new Error(
      `${name} is loaded up to ${progress.nextOffset}, but the replay goes to ${range.to}: ask for a new one`,
    )
}

/** @throws Error where the range is not at `from`: then this part was gone through before. */
async function advanceReplayRange(
  client: ClientBase,
  actionId: number,
  { partition, from, to }: { partition: number; from: number; to: number },
  counts: { records: number; changed: number },
): Promise<void> {
  const range = replayRanges
  const { rowCount } = await on(client)
    .update(range)
    .set({
      nextOffset: to,
      records: sql`${range.records} + ${counts.records}`,
      changed: sql`${range.changed} + ${counts.changed}`,
    })
    .where(and(eq(range.actionId, actionId), eq(range.partition, partition), eq(range.nextOffset, from)))
  if (rowCount !== 1) throw new Error(`replay ${actionId} is no longer at offset ${from} of ${partition}`)
}
