import { createHash } from 'node:crypto'
import type { Pool, PoolClient } from 'pg'
import { firstOfEachIdentity, settleDuplicates } from './duplicates.ts'
import { recentBatches, writeLedger, type StageTimings, type Batch } from '../ledger/batches.ts'
import { commonestFailures, tooManyRejected, WINDOW_RECORDS } from './circuit-breaker.ts'
import type { DeadLetterCode, Fact, Rejection, Skipped } from '../stream/types.ts'
import type { SourceRecord } from '../kafka/record.ts'
import { countRefused, insertDeadLetters } from '../ledger/dead-letters.ts'
import type { Stream } from '../stream/compile.ts'
import type { Row } from '../stream/field.ts'
import type { Origin } from '../stream/facts.ts'
import type { MonthKeeper } from '../stream/months.ts'
import { advanceProgress, lockProgress, type Progress } from '../ledger/watermark.ts'
import {
  findRedrives,
  firstPlaces,
  lockRedriveOutcomes,
  settleRedrives,
  type RecordOutcome,
  type Redrives,
} from '../ledger/redrives.ts'
import { commit, inTransaction, rollback } from '../postgres/transaction.ts'

/** A batch after validate and transform: every record of it is a fact, a rejection or skipped. */
export interface PreparedBatch {
  readonly batch: Batch
  /** In offset order. */
  readonly facts: readonly Fact[]
  readonly rejected: readonly Rejection[]
  readonly skipped: readonly Skipped[]
  /** Who wrote the newest of them, where their envelope says so. */
  readonly writer?: string | undefined
  readonly timings: Omit<StageTimings, 'load'>
  /** Of a part: the batch that was halved, as it came. Mass rejection is judged by the whole. */
  readonly whole?: PreparedBatch
}

export type LoadOutcome =
  | {
      readonly kind: 'loaded'
      readonly loaded: number
      readonly duplicate: number
      readonly skipped: number
      readonly deadLettered: number
      /** Of the loaded ones, versions that were older than the current one of their key. */
      readonly older?: number | undefined
      /** Of the dead-lettered ones, those whose key is another partition's. */
      readonly keyMoved?: number
    }
  /** The watermark is not where this batch begins: it was loaded before, or something before it was not. */
  | { readonly kind: 'moved' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'mass_rejection'; readonly seen: Progress; readonly reason: string }

export interface Loader {
  readonly pool: Pool
  readonly stream: Stream
  readonly months: MonthKeeper
  readonly deadLetterMaxRatio: number
}

/**
 * Loads a batch in one transaction: facts, rollup, dead letters, ledger and watermark, or nothing.
 *
 * Locks are taken in one order everywhere (progress, keys or history, facts, their lines, current rows, rollup, further
 * tables, dead letters, ledger; each sorted by key), so that no two loads wait for each other in a circle.
 */
export async function load(loader: Loader, prepared: PreparedBatch, runId: number): Promise<LoadOutcome> {
  const started = performance.now()
  await loader.months.ensure(prepared.facts)
  return loadOnce(loader, prepared, runId, started).catch((error: unknown) => {
    loader.months.forget() // one may have been dropped for its age just now
    throw error
  })
}

function loadOnce(
  loader: Loader,
  prepared: PreparedBatch,
  runId: number,
  started: number,
): Promise<LoadOutcome> {
  const { batch } = prepared
  return inTransaction<LoadOutcome>(loader.pool, async (client) => {
    const progress = await lockProgress(client, batch)
    if (progress.incarnation !== batch.incarnation || progress.nextOffset !== batch.from)
      return rollback({ kind: 'moved' })
    if (progress.stopCode !== null) return rollback({ kind: 'stopped' })

    const { stream } = loader
    const origin = { ...batch, batchId: batch.id }
    const redrives = await findRedrives(client, (prepared.whole ?? prepared).batch.records)
    const placed = stream.identity.place(prepared.facts, batch.incarnation, firstPlaces(redrives))
    const recordOf = recordsOf(batch)
    const { facts: known, moved } = await withoutMoved(stream, client, placed, origin, recordOf)
    const pruned = await stream.current?.pruned(client, known)
    const facts =
      pruned === undefined || pruned.size === 0
        ? known
        : known.filter(({ identity }) => !pruned.has(identity))
    const { fresh, duplicates: compared, conflicts } = await claim(stream, client, facts, origin, recordOf)
    const duplicates = compared + known.length - facts.length
    const rejected = inOffsetOrder([...prepared.rejected, ...moved, ...conflicts])
    const reason = await massRejection(
      client,
      progress,
      prepared,
      rejected,
      redrives,
      loader.deadLetterMaxRatio,
    )
    if (reason !== undefined) {
      const mostly = commonestFailures([...(prepared.whole ?? prepared).rejected, ...moved, ...conflicts])
      return rollback({
        kind: 'mass_rejection',
        seen: progress,
        reason: `${reason}; of this batch: ${mostly}`,
      })
    }

    let older: number | undefined
    if (fresh.length > 0) {
      await stream.identity.insert(client, fresh, origin)
      for (const lines of stream.lines) await lines.insert(client, fresh)
      const replaced = await stream.current?.replace(client, fresh, origin)
      const { now, before } = replaced ?? { now: fresh, before: [] }
      for (const rollup of stream.rollups) await rollup.add(client, now, batch.sourcePartition, before)
      older = replaced?.older
      await stream.write(client, fresh, batch)
    }
    if (redrives.size > 0) await lockRedriveOutcomes(client)
    await insertDeadLetters(client, rejected, origin, redrives)
    if (redrives.size > 0)
      await settleRedrives(client, batch, redrives, outcomes(fresh, rejected, prepared.skipped))
    const counts = {
      loaded: fresh.length,
      duplicate: duplicates,
      skipped: prepared.skipped.length,
      deadLettered: rejected.length,
    }
    await writeLedger(client, {
      ...batch,
      ...counts,
      batchId: batch.id,
      runId,
      consumed: batch.records.length,
      ...timestampRange(batch.records),
      timings: { ...prepared.timings, load: performance.now() - started },
    })
    const last = batch.records.at(-1)
    await advanceProgress(client, batch, batch.to, last, last && recordHash(last), prepared.writer)
    return commit({
      kind: 'loaded',
      ...counts,
      ...(older !== undefined && { older }),
      ...(moved.length > 0 && { keyMoved: moved.length }),
    })
  })
}

async function claim(
  stream: Stream,
  client: PoolClient,
  facts: readonly Fact[],
  origin: Origin,
  recordOf: (offset: number) => SourceRecord,
) {
  const firsts = firstOfEachIdentity(facts)
  const existing =
    firsts.length === 0 ? new Map<string, Row>() : await stream.identity.claim(client, firsts, origin)
  return settleDuplicates(stream, facts, firsts, existing, recordOf)
}

/** Of a stream that its log orders: the records whose key is another partition's are dead letters. */
async function withoutMoved(
  { current, identity, definition }: Stream,
  client: PoolClient,
  facts: readonly Fact[],
  origin: Origin,
  recordOf: (offset: number) => SourceRecord,
): Promise<{ facts: readonly Fact[]; moved: readonly Rejection[] }> {
  const moved = await current?.moved(client, facts, origin)
  if (moved === undefined || moved.size === 0) return { facts, moved: [] }
  const [field] = identity.fields
  return {
    facts: facts.filter((fact) => !moved.has(fact.identity)),
    moved: facts
      .filter((fact) => moved.has(fact.identity))
      .map((fact) => ({
        record: recordOf(fact.offset),
        code: 'key_moved',
        issues: [
          {
            field: field!,
            message: `${field!} is ${String(fact.row[field!])}, which is current from partition ${moved.get(fact.identity)!}; a ${definition.title} stays in its partition as long as the topic’s incarnation`,
          },
        ],
      })),
  }
}

/** By offset, for the few that are asked for. */
function recordsOf({ records }: Batch): (offset: number) => SourceRecord {
  const byOffset = new Map<number, SourceRecord>()
  return (offset) => {
    if (byOffset.size === 0) for (const record of records) byOffset.set(record.offset, record)
    return byOffset.get(offset)!
  }
}

function outcomes(
  fresh: readonly Fact[],
  rejected: readonly Rejection[],
  skipped: readonly Skipped[],
): (offset: number) => RecordOutcome {
  const others = new Map<number, RecordOutcome>()
  for (const { offset } of fresh) others.set(offset, 'loaded')
  for (const { record } of rejected) others.set(record.offset, 'failed')
  for (const { record } of skipped) others.set(record.offset, 'skipped')
  return (offset) => others.get(offset) ?? 'duplicate'
}

/**
 * Why this batch must not be loaded, or undefined. Up to the offset that an operator accepted, never.
 *
 * A part of a batch that had to be halved is judged as the whole batch: what breaks the contract anywhere
 * in it, and what the load refused up to here. And because a warehouse that refuses everything would be
 * seen by that only after half the batch, what Postgres refused is held against the records tried so far.
 *
 * Redrives count neither as consumed nor as rejected: an operator sent them again knowing that they may
 * fail, and they must not stop what the producers send.
 */
async function massRejection(
  client: PoolClient,
  progress: Progress,
  prepared: PreparedBatch,
  rejected: readonly Rejection[],
  redrives: Redrives,
  maxRatio: number,
): Promise<string | undefined> {
  const { batch, whole = prepared } = prepared
  const counts = ({ offset }: { offset: number }) => !redrives.has(offset)
  const here = rejected.filter(({ record }) => counts(record))
  if (here.length === 0 || whole.batch.from < progress.acceptedUntil) return undefined

  const earlier =
    prepared.whole === undefined
      ? { conflicts: 0, byWarehouse: 0 }
      : await countRefused(client, batch, whole.batch.from, batch.from)
  const ofCode = (wanted: DeadLetterCode) => here.filter(({ code }) => code === wanted).length
  const byWarehouse = earlier.byWarehouse + ofCode('rejected_by_warehouse')
  const conflicts = earlier.conflicts + ofCode('conflicting_duplicate') + ofCode('key_moved')
  const invalid = whole.rejected.filter(({ record }) => counts(record)).length

  const judge = async (consumed: number, rejections: number) => {
    const missing = WINDOW_RECORDS - consumed
    const since = { ...whole.batch, before: whole.batch.from, since: progress.acceptedUntil }
    const before =
      missing <= 0 ? { consumed: 0, deadLettered: 0 } : await recentBatches(client, since, missing)
    return tooManyRejected({ consumed, rejected: rejections }, before, maxRatio)
  }
  // What is no row by its envelope, such as heartbeats, must not make the rejected look few.
  const rows =
    whole.batch.records.filter(counts).length - whole.skipped.filter(({ record }) => counts(record)).length
  const tried = whole.facts.filter((fact) => fact.offset < batch.to && counts(fact)).length
  return (
    (byWarehouse === 0 ? undefined : await judge(tried, byWarehouse)) ??
    (await judge(rows, invalid + conflicts + byWarehouse))
  )
}

function inOffsetOrder(rejections: readonly Rejection[]): Rejection[] {
  return rejections.toSorted((a, b) => a.record.offset - b.record.offset)
}

/** Of Kafka's timestamps, milliseconds; undefined where there is no record. */
export function timestampRange(records: readonly SourceRecord[]) {
  let oldest: number | undefined
  let newest: number | undefined
  for (const { timestamp } of records) {
    oldest = oldest === undefined ? timestamp : Math.min(oldest, timestamp)
    newest = newest === undefined ? timestamp : Math.max(newest, timestamp)
  }
  return { oldestRecord: oldest, newestRecord: newest }
}

/** Tells a record apart from another at the same offset of a log that was made anew. */
export function recordHash(record: SourceRecord): string {
  const hash = createHash('sha256').update(
    `${record.offset} ${record.timestamp} ${record.key?.length ?? -1} `,
  )
  if (record.key !== null) hash.update(record.key)
  if (record.value !== null) hash.update(record.value)
  return hash.digest('hex')
}
