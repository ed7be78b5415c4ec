import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { checkBatches } from './batches.ts'
import { checkEveryRecord, type DeepResult } from './deep/every-record.ts'
import type { Stream } from '../stream/compile.ts'
import { checkInvariant, checkKeys, checkLines, checkOffsets, checkRollup, checkWrite } from './tables.ts'
import { checkLog, openLogs, type TopicLog } from './log.ts'
import { checkCurrent, checkDeletions, checkRetention, checkValidity, forgetful } from './versions.ts'
import { checkLosses, checkOpenings, checkRanges } from './ledger.ts'
import { checkPublished, PUBLISH_GRACE_MS } from './published.ts'
import type { Check, CheckResult, ReconcileReport } from './report.ts'
import { inSnapshot, type Snapshot, readWatermarks, type Watermarks } from './snapshot.ts'
import { notReadAgain, partitionReports, sum, waitsForNobody, warningsOf } from './summary.ts'

export type * from './report.ts'
export { renderReconciliation, verdict } from './render.ts'

export interface ReconcileOptions {
  /** Of a role that may read the warehouse, such as createPool's. */
  readonly pool: Pool
  readonly stream: Stream
  /** Without it the watermarks are not held against the log. `deep` needs it. */
  readonly kafka?: Kafka
  readonly topic: string
  /** Also reads the topic again and checks every record. */
  readonly deep?: boolean
  /** How long a live job may take to publish the dead letters that it has just loaded. */
  readonly publishGraceMs?: number
  /** Told how far the reading of the topic has come. */
  readonly onProgress?: (line: string) => void
}

/**
 * Proves that every record that was consumed is accounted for, exactly once: each check of the report is
 * one part of the proof. All of the warehouse is read in one snapshot, so a job that loads meanwhile
 * can't make it fail. Changes nothing and waits for nobody's lock.
 *
 * @throws where the warehouse or Kafka is out of reach. What doesn't hold is a finding, not an error.
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileReport> {
  const { pool, kafka, stream, topic, deep = false } = options
  if (deep && kafka === undefined) throw new TypeError('deep needs kafka: it reads the topic again')
  const started = performance.now()
  return inSnapshot(pool, async (snapshot) => {
    // The first statement takes the snapshot; Kafka is asked afterwards (checkLog says why).
    const watermarks = await readWatermarks(snapshot, stream)
    const topics = new Set([topic, ...watermarks.progress.map((one) => one.topic)])
    const open = kafka && (await openLogs(kafka, [...topics]))
    try {
      const report = await runChecks(snapshot, watermarks, options, open?.logs)
      return { ...report, tookMs: performance.now() - started }
    } finally {
      await open?.close()
    }
  })
}

async function runChecks(
  snapshot: Snapshot,
  { at, progress, workers, starts }: Watermarks,
  {
    pool,
    stream,
    kafka,
    topic,
    deep = false,
    publishGraceMs = PUBLISH_GRACE_MS,
    onProgress,
  }: ReconcileOptions,
  logs: ReadonlyMap<string, TopicLog> | undefined,
): Promise<Omit<ReconcileReport, 'tookMs'>> {
  const checks: Check[] = []
  async function check<T extends CheckResult>(name: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now()
    const result = await work()
    const { rule, scope, findings } = result
    checks.push({ name, rule, scope, findings, tookMs: performance.now() - begun })
    return result
  }

  const now = logs?.get(topic)?.now
  const log = kafka && logs && (await check('log', () => checkLog(progress, logs, { kafka, pool, topic })))
  await check('ranges', () => checkRanges(snapshot, stream))
  const books = await check('batches', () => checkBatches(snapshot, stream))
  await check('opening balances', () => Promise.resolve(checkOpenings(books.openings)))
  await check('offsets', () => checkOffsets(snapshot, stream))
  await checkTables(snapshot, stream, check)
  if (stream.current !== undefined) {
    await check('current rows', () => checkCurrent(snapshot, stream))
    if (stream.definition.identity.by === 'log')
      await check('deletions', () => checkDeletions(snapshot, stream))
    if (deep) await check('validity', () => checkValidity(snapshot, stream))
  }
  if (now?.topicExists === true && stream.definition.keep !== undefined)
    await check('retention', () => Promise.resolve(checkRetention(stream, now)))
  await check('published', () => checkPublished(snapshot, pool, stream, publishGraceMs))
  const { losses } = await check('data losses', () => checkLosses(snapshot, stream))
  let everyRecord: DeepResult | undefined
  if (deep && kafka && log && logs) {
    const using = { snapshot, stream, kafka, logs, onProgress }
    everyRecord = await check('every record', () => checkEveryRecord(using, log.known))
  }

  const partitions = partitionReports(progress, books, logs)
  const warnings = [...warningsOf(progress, topic, logs), ...(log?.warnings ?? [])]
  const waits = waitsForNobody({ stream: stream.name, workers, progress }, topic, logs)
  if (waits !== undefined) warnings.push(waits)
  const forgets = now?.topicExists === true ? forgetful(stream, now) : undefined
  if (forgets !== undefined) warnings.push(forgets)
  if (everyRecord && log)
    warnings.push(
      ...everyRecord.toFill,
      ...everyRecord.gone,
      ...notReadAgain(progress, log.known, partitions),
    )
  return {
    stream: stream.name,
    topic,
    deep,
    snapshotAt: at.toISOString(),
    balanced: checks.every(({ findings }) => findings.length === 0),
    totals: sum(books.totals),
    partitions,
    checks,
    losses,
    starts: starts.map((one) => ({ ...one, startedAt: one.startedAt.toISOString() })),
    warnings,
    everyRecord: everyRecord?.counts ?? null,
  }
}

/** What a stream's own tables must agree in. */
async function checkTables(
  snapshot: Snapshot,
  stream: Stream,
  check: (name: string, work: () => Promise<CheckResult>) => Promise<unknown>,
): Promise<void> {
  const { rollups = {}, identity, invariants = {}, write } = stream.definition
  const names = Object.keys(rollups)
  for (const name of names)
    await check(names.length === 1 ? 'rollup' : `rollup ${name}`, () => checkRollup(snapshot, stream, name))
  if (identity.scope === 'warehouse')
    await check(identity.keys.replaceAll('_', ' '), () => checkKeys(snapshot, stream, identity.keys))
  for (const lines of stream.lines)
    await check(lines.field.replaceAll('_', ' '), () => checkLines(snapshot, stream, lines))
  for (const [name, invariant] of Object.entries(invariants))
    await check(name, () => checkInvariant(snapshot, stream, invariant))
  if (write !== undefined) await check('write', () => checkWrite(snapshot, write))
}
