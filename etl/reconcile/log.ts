import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { openLogReader, type LogReader } from '../kafka/log-reader.ts'
import { clusterId, partitionBounds, topicSettings, withAdmin } from '../kafka/topics.ts'
import { differs } from '../job/known-log.ts'
import { readProgress, type Progress } from '../ledger/watermark.ts'
import { count } from '../text/wording.ts'
import { Findings } from './findings.ts'
import type { CheckResult } from './report.ts'

/** What Kafka says of the topic now. */
export function askKafka(kafka: Kafka, topic: string) {
  return withAdmin(kafka, async (admin) => {
    const topicExists = (await admin.listTopics()).includes(topic)
    const bounds = topicExists ? await partitionBounds(admin, topic) : []
    const settings = topicExists ? await topicSettings(admin, topic) : {}
    return {
      topic,
      topicExists,
      clusterId: await clusterId(admin),
      /** By partition; empty where there is no such topic. */
      bounds: new Map(bounds.map((bound) => [bound.partition, bound])),
      /** By Kafka's names. */
      settings,
      /** Whether records in the middle of the log may be gone. */
      compacted: settings['cleanup.policy']?.includes('compact') ?? false,
    }
  })
}
export type TopicNow = Readonly<Awaited<ReturnType<typeof askKafka>>>

/** What Kafka says of a topic, and what reads it; no reader where there is no such topic. */
export interface TopicLog {
  readonly now: TopicNow
  readonly reader: LogReader | undefined
}

/** Of the topics of a stream, present and past, by name. They stay open until `close`. */
export async function openLogs(kafka: Kafka, topics: readonly string[]) {
  const logs = new Map<string, TopicLog>()
  const close = async () => {
    for (const { reader } of logs.values()) await reader?.close()
  }
  try {
    for (const topic of topics) {
      const now = await askKafka(kafka, topic)
      logs.set(topic, { now, reader: now.topicExists ? await openLogReader(kafka, topic) : undefined })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { logs: logs as ReadonlyMap<string, TopicLog>, close }
}

/**
 * The watermarks lie within the log that they were written for: the same cluster, its start not before
 * the one we knew, log start ≤ watermark ≤ end, and the last record that was loaded still at its offset.
 *
 * The snapshot is taken first and Kafka is asked afterwards: ends only grow, so what was loaded by the
 * snapshot lies below the end that is read later, however fast a live job is. The other way round the
 * watermark could have passed the end that was read. One thing can still go wrong: the log's start may
 * overtake a watermark that has moved on meanwhile. So where there is a finding, the watermark is read
 * anew and then Kafka asked anew, in the same order; if it has moved and all is well, there was none.
 *
 * Of a topic that the stream was moved from nothing came since, or it is named: nobody reads it. Such a topic may be gone.
 *
 * @param progress the snapshot's watermarks of the stream.
 * @param logs asked after the snapshot; of a topic that the stream has left and Kafka no longer has, nothing can be held against it.
 * @returns also the watermarks whose log is the one that they were written for.
 */
export async function checkLog(
  progress: readonly Progress[],
  logs: ReadonlyMap<string, TopicLog>,
  { kafka, pool, topic }: { kafka: Kafka; pool: Pool; topic: string },
): Promise<CheckResult & { known: readonly Progress[]; warnings: readonly string[] }> {
  const findings = new Findings()
  const known: Progress[] = []
  const warnings = new Set<string>()
  const held = progress.filter((one) => one.topic === topic || logs.get(one.topic)!.now.topicExists)
  for (const seen of held) {
    const { now, reader } = logs.get(seen.topic)!
    const name = `${seen.topic}/${seen.partition}`
    const problems = await problemsOf(seen, now, reader)
    const moved = problems.length > 0 ? await readProgress(pool, seen) : undefined
    if (problems.length === 0) known.push(seen)
    else if (seen.stopCode === 'moved')
      warnings.add(`${name} was not held against its log: ${problems.join('; ')}`)
    else if (
      moved === undefined ||
      moved.nextOffset === seen.nextOffset ||
      (await problemsOf(moved, await askKafka(kafka, now.topic), reader)).length > 0
    ) {
      for (const problem of problems) findings.add('log', name, problem)
    }
  }
  for (const left of leftTopics(progress)) {
    const { now } = logs.get(left)!
    if (!now.topicExists)
      warnings.add(
        `Kafka no longer has ${left}, which the stream was moved from: its books are proved, not its log`,
      )
    for (const { name, unread } of unreadSince(left, progress, known, now))
      findings.add(
        'sent after the move',
        name,
        `${unread}, and nobody reads it since the stream was moved: have these records sent to the new topic, or move back and forth again`,
      )
  }
  return {
    rule: 'the watermarks lie within the log, and it is the log that they were written for',
    scope: count(held.length, 'partition'),
    findings: findings.groups,
    known,
    warnings: [...warnings],
  }
}

const leftTopics = (progress: readonly Progress[]): Set<string> =>
  new Set(progress.filter(({ stopCode }) => stopCode === 'moved').map(({ topic }) => topic))

/** What came to a topic after the stream was moved from it. */
function unreadSince(
  topic: string,
  progress: readonly Progress[],
  known: readonly Progress[],
  { bounds }: TopicNow,
): { name: string; unread: string }[] {
  return [...bounds].flatMap(([partition, { start, end }]) => {
    const is = (one: Progress) => one.topic === topic && one.partition === partition
    // One whose log is another by now is nothing to us.
    if (progress.some(is) && !known.some(is)) return []
    const from = Math.max(start, known.find(is)?.nextOffset ?? start)
    return from < end
      ? [{ name: `${topic}/${partition}`, unread: `${count(end - from, 'offset')} from ${from} on` }]
      : []
  })
}

async function problemsOf(
  progress: Progress,
  { clusterId: cluster, bounds }: TopicNow,
  reader: LogReader | undefined,
): Promise<string[]> {
  const log = bounds.get(progress.partition)
  if (log === undefined || reader === undefined) return ['Kafka has no such partition']
  const difference = await differs(reader, progress, { ...log, clusterId: cluster })
  if (difference !== undefined) return [difference.reason]
  if (log.start <= progress.nextOffset || progress.stopCode === 'moved') return []
  const lost = count(log.start - progress.nextOffset, 'offset')
  return [
    `the log starts at ${log.start}, above the watermark ${progress.nextOffset}: ${lost} were lost before they were loaded; the job records that at its next run`,
  ]
}
