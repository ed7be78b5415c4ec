import type { ClientBase, Pool } from 'pg'
import { differs } from '../job/known-log.ts'
import type { Kafka } from '../kafka/client.ts'
import { readParts } from '../kafka/log-parts.ts'
import { openLogReader, type LogReader } from '../kafka/log-reader.ts'
import { askAdmin, clusterId, partitionBounds, topicSettings } from '../kafka/topics.ts'
import { lockProgress, readAllProgress, STOPS_FOR_RECORDS, type Progress } from '../ledger/watermark.ts'
import { ActionRefused, recordAction, type Action, type Operator } from '../operations/actions.ts'
import { inSnapshot } from '../postgres/snapshot.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Stream } from '../stream/compile.ts'
import { isLatest } from '../stream/stored.ts'
import { compileSweep, type Kept, type SweepStatements } from '../stream/sweep.ts'

/** A partition, and those of its keys whose record is no longer in the log, by their names. */
export interface SweptPartition {
  readonly progress: Progress
  /** The log's first offset. */
  readonly start: number
  /** Up to where it was read. */
  readonly end: number
  /** How many keys were looked for. */
  readonly keys: number
  readonly gone: Map<string, Kept>
}

export interface SweepPlan {
  readonly topic: string
  readonly partitions: readonly SweptPartition[]
  /** When it began to read, by the warehouse's clock: what is noticed later is for the next one. */
  readonly begun: Date
}

const LIMITS = { maxRecords: 5_000, maxBytes: 16 * 1024 * 1024 }
const ROWS_AT_ONCE = 1_000

/**
 * Reads a compacted log from its start, and finds the keys that are current and whose record it no longer has: Kafka keeps the newest
 * record of each key, so a newer one was there, and only that of a deletion goes. A key that has any record in the log is none of them,
 * on whichever partition, valid or not. Changes nothing.
 *
 * Only rows of the incarnation that is read now, and above the log's start, can be judged.
 *
 * @throws ActionRefused where the log can't tell.
 */
export async function planSweep(pool: Pool, kafka: Kafka, stream: Stream, topic: string): Promise<SweepPlan> {
  const statements = requireSweepable(stream)
  const { rows } = await pool.query<{ at: Date }>('select now() as at')
  const known = await readAllProgress(pool, topic)
  if (known.length === 0)
    throw new ActionRefused(`Nothing was loaded from ${topic}: there is nothing to sweep.`)
  const now = await lookAtLog(kafka, topic)
  const reader = await openLogReader(kafka, topic)
  try {
    const partitions: SweptPartition[] = []
    for (const progress of known) {
      const log = now.bounds.get(progress.partition)
      if (log === undefined) throw new ActionRefused(`Kafka has no ${topic}/${progress.partition}.`)
      await requireKnown(reader, progress, { ...log, clusterId: now.clusterId })
      partitions.push({
        progress,
        ...log,
        ...(await findGone(pool, statements, reader, progress, log.start)),
      })
    }
    if (partitions.some(({ gone }) => gone.size > 0))
      for (const { progress, start, end } of partitions)
        await keepWhatIsThere(statements, reader, partitions, progress.partition, start, end)
    return { topic, partitions, begun: rows[0]!.at }
  } finally {
    await reader.close()
  }
}

function requireSweepable({ definition }: Stream): SweepStatements {
  const { name, identity } = definition
  if (!isLatest(definition) || identity.by !== 'log')
    throw new ActionRefused(
      `The log doesn't order the stream ${name} (by: 'log'): what deletes is told by its records, and a sweep would find nothing.`,
    )
  return compileSweep(definition)
}

/** @throws ActionRefused where a record that is gone may have another reason than a newer one of its key. */
async function lookAtLog(kafka: Kafka, topic: string) {
  const { settings, ...now } = await askAdmin(kafka, async (admin) => {
    if (!(await admin.listTopics()).includes(topic)) throw new ActionRefused(`Kafka has no topic ${topic}.`)
    const bounds = await partitionBounds(admin, topic)
    return {
      clusterId: await clusterId(admin),
      bounds: new Map(bounds.map(({ partition, start, end }) => [partition, { start, end }])),
      settings: await topicSettings(admin, topic),
    }
  })
  const policy = settings['cleanup.policy']
  if (policy !== 'compact')
    throw new ActionRefused(
      `The topic ${topic} has cleanup.policy=${policy}: only where it is compact and nothing else does a record go because a newer one of its key came.`,
    )
  return now
}

/** @throws ActionRefused where the log is not the one that was loaded. */
async function requireKnown(
  reader: LogReader,
  progress: Progress,
  log: { start: number; end: number; clusterId: string },
): Promise<void> {
  const { topic, partition, stopCode, stopReason } = progress
  const isOther = stopCode !== null && !STOPS_FOR_RECORDS.includes(stopCode)
  const why = isOther ? stopReason : (await differs(reader, progress, log))?.reason
  if (why !== undefined) throw new ActionRefused(`${topic}/${partition} can't be swept: ${why}.`)
}

/** Current rows without their record, of what was loaded from the log's start on. */
function findGone(
  pool: Pool,
  statements: SweepStatements,
  reader: LogReader,
  progress: Progress,
  start: number,
): Promise<Pick<SweptPartition, 'keys' | 'gone'>> {
  return inSnapshot(pool, async (snapshot) => {
    const rows = await statements.open(snapshot, progress, start)
    const gone = new Map<string, Kept>()
    let keys = 0
    const range = { from: start, to: progress.nextOffset }
    for await (const part of readParts(reader, progress.partition, range, LIMITS, refuseRetention)) {
      const there = new Set(part.kind === 'gone' ? [] : part.records.map(({ offset }) => offset))
      for (const row of await rows.takeBelow(part.to)) {
        keys += 1
        if (!there.has(row.offset)) gone.set(statements.nameOf(row), row)
      }
    }
    await rows.close()
    return { keys, gone }
  })
}

const refuseRetention = () =>
  Promise.reject(
    new ActionRefused('The log’s start moved meanwhile: who deletes its records? Nothing was done.'),
  )

/** Takes keys that have a record in a stretch of the log from those that are gone, whatever partition theirs is. */
async function keepWhatIsThere(
  statements: SweepStatements,
  reader: LogReader,
  partitions: readonly SweptPartition[],
  partition: number,
  from: number,
  to: number,
): Promise<void> {
  for await (const part of readParts(reader, partition, { from, to }, LIMITS, refuseRetention)) {
    if (part.kind === 'gone') continue
    for (const record of part.records) {
      const name = statements.keyOf(record)
      if (name !== undefined) for (const { gone } of partitions) gone.delete(name)
    }
  }
}

/**
 * Marks the keys of a plan as deleted, partition by partition, each in one transaction with the record of who did it and why. Interrupted
 * and begun anew it does the rest; done twice it finds nothing the second time.
 *
 * Each begins with the partition's watermark, as a load: none is under way then, and a row that one has replaced since is left alone.
 * What came to the log since it was read is read under that lock: a key that has come again is left to its load.
 *
 * @returns what was done, an action for each partition.
 * @throws ActionRefused
 */
export async function sweep(
  pool: Pool,
  kafka: Kafka,
  by: Operator,
  stream: Stream,
  { topic, partitions, begun }: SweepPlan,
  reason: string,
): Promise<Action[]> {
  const statements = requireSweepable(stream)
  const reader = await openLogReader(kafka, topic)
  const sweepOne = (swept: SweptPartition) =>
    inTransaction(pool, async (client) => {
      const { progress, keys, gone } = swept
      const { partition, incarnation } = progress
      const locked = await lockProgress(client, progress)
      if (locked.incarnation !== incarnation)
        throw new ActionRefused(`${topic}/${partition} was changed meanwhile; look again.`)
      const { bounds } = await lookAtLog(kafka, topic)
      for (const one of gone.size === 0 ? [] : partitions)
        await keepWhatIsThere(
          statements,
          reader,
          [swept],
          one.progress.partition,
          one.end,
          bounds.get(one.progress.partition)?.end ?? one.end,
        )
      const deleted = await markAll(client, stream, statements, locked, [...gone.values()])
      await client.query(
        `update audit.missed_deletions set swept_at = now()
         where topic = $1 and partition = $2 and incarnation = $3 and swept_at is null and noticed_at <= $4`,
        [topic, partition, incarnation, begun],
      )
      const target = { topic, partition, incarnation, keys, deleted }
      const what = { action: 'sweep', stream: stream.name, target, reason, status: 'succeeded' } as const
      return commit(await recordAction(client, by, what))
    })
  try {
    const actions: Action[] = []
    for (const swept of partitions) actions.push(await sweepOne(swept))
    return actions
  } finally {
    await reader.close()
  }
}

async function markAll(
  client: ClientBase,
  stream: Stream,
  statements: SweepStatements,
  progress: Progress,
  gone: readonly Kept[],
): Promise<number> {
  let deleted = 0
  for (let i = 0; i < gone.length; i += ROWS_AT_ONCE) {
    const before = await statements.markDeleted(client, progress, gone.slice(i, i + ROWS_AT_ONCE))
    for (const rollup of stream.rollups) await rollup.add(client, [], progress.sourcePartition, before)
    deleted += before.length
  }
  return deleted
}
