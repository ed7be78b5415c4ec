import type { Kafka } from '../../kafka/client.ts'
import { readParts, type LogPart } from '../../kafka/log-parts.ts'
import type { LogReader } from '../../kafka/log-reader.ts'
import { partitionBounds, withAdmin } from '../../kafka/topics.ts'
import { learnStored } from '../../ledger/schemas.ts'
import type { Progress } from '../../ledger/watermark.ts'
import { count, thousands, offsets } from '../../text/wording.ts'
import { Findings } from '../findings.ts'
import type { TopicLog } from '../log.ts'
import type { CheckResult, DeepCounts } from '../report.ts'
import type { Snapshot } from '../snapshot.ts'
import { BatchTally } from './batch-tally.ts'
import { explainUnmatched, filledFields, matchRecords, type Found } from './records.ts'
import {
  countStored,
  openDeadLetters,
  openFacts,
  openLedger,
  readLosses,
  type StoredCounts,
} from './stored-rows.ts'

/** What the deep check works with. */
interface DeepSetting extends Pick<Found, 'stream'> {
  readonly snapshot: Snapshot
  readonly kafka: Kafka
  /** By topic: of each that has one of the watermarks. */
  readonly logs: ReadonlyMap<string, TopicLog>
  readonly onProgress: ((line: string) => void) | undefined
}

type DeepCheck = DeepSetting & Found & { readonly reader: LogReader }

export interface DeepResult extends CheckResult {
  readonly counts: DeepCounts
  /** What the log no longer holds, in sentences: nothing can be said of it. */
  readonly gone: readonly string[]
  /** What is not in the warehouse yet of fields that were declared later, in sentences. */
  readonly toFill: readonly string[]
}

/**
 * Reads the partitions again up to the snapshot's watermarks and finds each record that Kafka delivers in
 * the warehouse: it is one fact with its values, one dead letter with its bytes, no row by its envelope, or a duplicate of an order
 * that was loaded from another record with the same values. Where the ledger says that facts were dropped
 * for their age or dead letters pruned, so many of its records have nothing any more. The other way round,
 * no fact and no dead letter has an offset that Kafka doesn't have. Memory holds some thousand records,
 * however long the log is.
 */
export async function checkEveryRecord(
  setting: DeepSetting,
  partitions: readonly Progress[],
): Promise<DeepResult> {
  const findings = new Findings()
  const counts: DeepCounts = {
    records: 0,
    facts: 0,
    deadLetters: 0,
    duplicates: 0,
    skipped: 0,
    droppedOrPruned: 0,
    forgotten: 0,
    toFill: {},
    goneFromLog: 0,
  }
  const gone: string[] = []
  const filled = await filledFields(setting.snapshot, setting.stream)
  for (const progress of partitions) {
    const { now, reader } = setting.logs.get(progress.topic)!
    const check = { ...setting, reader: reader!, compacted: now.compacted, findings, counts, filled }
    gone.push(...(await checkPartition(check, progress)))
  }
  const { records, facts, deadLetters, duplicates, skipped, droppedOrPruned, forgotten } = counts
  return {
    rule: 'each record of the log is one fact with its values, one dead letter with its bytes, a duplicate, or skipped',
    scope:
      `${count(records, 'record')} read again: ${thousands(facts)} loaded + ${thousands(duplicates)} duplicate + ` +
      `${skipped === 0 ? '' : `${thousands(skipped)} skipped + `}${thousands(deadLetters)} dead-lettered` +
      (droppedOrPruned === 0 ? '' : ` + ${thousands(droppedOrPruned)} dropped or pruned for their age`) +
      (forgotten === 0 ? '' : `; ${thousands(forgotten)} of them forgotten`),
    findings: findings.groups,
    counts,
    gone,
    toFill: Object.entries(counts.toFill).map(
      ([field, n]) =>
        `${count(n, 'row')} from before ${field} was declared ${n === 1 ? 'has' : 'have'} none, while the record says it: pulse replay --fill ${field}`,
    ),
  }
}

const PART_LIMITS = { maxRecords: 2_000, maxBytes: 4 * 1024 * 1024 }

/**
 * Walks a partition's log beside its facts, its dead letters and its ledger, all in the order of offsets.
 *
 * @returns what the log no longer holds.
 */
async function checkPartition(check: DeepCheck, progress: Progress): Promise<string[]> {
  const { snapshot, stream, reader, findings, counts } = check
  const { topic, partition, nextOffset } = progress
  const logStart = () => startOfLog(check, progress)
  const gone: string[] = []
  const passOver = (from: number, to: number, { facts, deadLetters }: StoredCounts) => {
    counts.goneFromLog += facts + deadLetters
    gone.push(
      `the log of ${topic}/${partition} no longer holds ${offsets(from, to)}: ${count(facts, 'fact')} and ` +
        `${count(deadLetters, 'dead letter')} of them were not held against it`,
    )
  }

  // What retention has taken by now is most of an old warehouse: it is counted, not walked through.
  const start = Math.min(nextOffset, Math.max(progress.firstOffset, await logStart()))
  if (start > progress.firstOffset)
    passOver(progress.firstOffset, start, await countStored(snapshot, stream, progress, start))
  const facts = await openFacts(snapshot, stream, progress, start)
  const letters = await openDeadLetters(snapshot, progress, start)
  const ledger = await openLedger(snapshot, progress, start)
  const tally = new BatchTally(ledger, findings, {
    mayBeFewer: check.compacted,
    partition: `${topic}/${partition}`,
  })
  if (start > progress.firstOffset) await tally.skip(start)

  // What was lost or abandoned before it was loaded is on record as that, also where the log still holds it.
  const losses = await readLosses(snapshot, progress)
  for await (const part of partsWithout(losses, start, nextOffset, (range) =>
    readParts(reader, partition, range, PART_LIMITS, logStart),
  )) {
    if (part.kind === 'gone') {
      passOver(part.from, part.to, {
        facts: await facts.skipBelow(part.to),
        deadLetters: await letters.skipBelow(part.to),
      })
      await tally.skip(part.to)
      continue
    }
    await learnStored(snapshot, stream.schemas, part.records)
    const unmatched = matchRecords(check, progress, part.records, {
      facts: await facts.takeBelow(part.to),
      deadLetters: await letters.takeBelow(part.to),
    })
    const delivered = part.records.map(({ offset }) => offset)
    const explained = await explainUnmatched(check, unmatched, progress.incarnation)
    const tallied = await tally.count(part.to, delivered, explained)
    counts.records += delivered.length
    counts.duplicates += tallied.duplicates
    counts.skipped += tallied.skipped
    counts.droppedOrPruned += tallied.without
    check.onProgress?.(`${topic}/${partition}: ${thousands(part.to)} of ${thousands(nextOffset)}`)
  }

  const behind = { fact: facts, 'dead letter': letters }
  for (const [what, rows] of Object.entries(behind)) {
    for await (const chunk of rows.chunksBelow(Infinity)) {
      for (const { offset } of chunk) {
        const message = `there is a ${what}, but the watermark is ${nextOffset}`
        findings.add('behind the watermark', `${topic}/${partition} offset ${offset}`, message)
      }
    }
  }
  for (const cursor of [facts, letters, ledger]) await cursor.close()
  return gone
}

/** The parts of a partition's log, without stretches of it. */
async function* partsWithout(
  stretches: readonly { readonly from: number; readonly to: number }[],
  start: number,
  end: number,
  read: (range: { from: number; to: number }) => AsyncGenerator<LogPart>,
): AsyncGenerator<LogPart> {
  let from = start
  for (const left of [...stretches, { from: end, to: end }]) {
    if (left.from > from) yield* read({ from, to: left.from })
    from = Math.max(from, left.to)
  }
}

async function startOfLog({ kafka }: DeepCheck, { topic, partition }: Progress): Promise<number> {
  const bounds = await withAdmin(kafka, (admin) => partitionBounds(admin, topic))
  return bounds.find((one) => one.partition === partition)?.start ?? 0
}
