import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import type { LogReader } from '../kafka/log-reader.ts'
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
 * @param progress the snapshot's watermarks of this topic.
 * @param now asked after the snapshot.
 * @param reader undefined where Kafka has no such topic.
 * @returns also the watermarks whose log is the one that they were written for.
 */
export async function checkLog(
  progress: readonly Progress[],
  now: TopicNow,
  { kafka, pool, reader }: { kafka: Kafka; pool: Pool; reader: LogReader | undefined },
): Promise<CheckResult & { known: readonly Progress[] }> {
  const findings = new Findings()
  const known: Progress[] = []
  for (const seen of progress) {
    const problems = await problemsOf(seen, now, reader)
    const moved = problems.length > 0 ? await readProgress(pool, seen) : undefined
    if (problems.length === 0) known.push(seen)
    else if (
      moved === undefined ||
      moved.nextOffset === seen.nextOffset ||
      (await problemsOf(moved, await askKafka(kafka, now.topic), reader)).length > 0
    ) {
      for (const problem of problems) findings.add('log', `${now.topic}/${seen.partition}`, problem)
    }
  }
  return {
    rule: 'the watermarks lie within the log, and it is the log that they were written for',
    scope: count(progress.length, 'partition'),
    findings: findings.groups,
    known,
  }
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
  if (log.start <= progress.nextOffset) return []
  const lost = count(log.start - progress.nextOffset, 'offset')
  return [
    `the log starts at ${log.start}, above the watermark ${progress.nextOffset}: ${lost} were lost before they were loaded; the job records that at its next run`,
  ]
}
