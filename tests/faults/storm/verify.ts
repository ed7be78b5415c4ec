import type { Kafka } from '../../../etl/kafka/client.ts'
import { runPulse } from '../../support/pulse.ts'
import type { SentLog } from '../../support/sent-log.ts'
import { verdict } from '../../support/verdict.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Fed, Place } from './place.ts'

export interface Finding {
  /** Empty where all is right. */
  readonly complaints: readonly string[]
  /** From the last fault to a warehouse that has caught up. */
  readonly drainedMs: number
  /** What became of all records so far. */
  readonly records: Readonly<Record<string, number>>
}

/** A session that has to time out, a share-out, a backlog of a minute; and some room on a busy machine. */
const DRAIN_LIMIT_MS = 120_000

/**
 * With no fault under way and nobody sending: has the job caught up, and are the books right?
 *
 * @param sent what was sent of each stream, in the order of the place.
 */
export async function verify(place: Place, sent: readonly SentLog[]): Promise<Finding> {
  const began = performance.now()
  let behind: readonly string[] = []
  await waitFor(
    'the job to catch up with what was sent',
    async () => (behind = await whatIsBehind(place)).length === 0,
    { limitMs: DRAIN_LIMIT_MS, everyMs: 250 },
  ).catch((error: unknown) => {
    throw new Error([(error as Error).message, ...behind].join('\n'), { cause: error })
  })
  const drainedMs = performance.now() - began
  const complaints: string[] = []
  for (const [i, fed] of place.streams.entries()) {
    const { name } = fed.stream
    const of = await verdict({ ...place, ...fed, sent: sent[i]! })
    complaints.push(...of.map((complaint) => `${name}: ${complaint}`))
    const pulse = await runPulse(place.env, ['--stream', name, 'reconcile', '--deep'])
    if (pulse.code !== 0)
      complaints.push(`pulse reconcile --deep of ${name}: exit code ${pulse.code}\n${pulse.out}${pulse.err}`)
  }
  return { complaints, drainedMs, records: await fates(place, sent) }
}

/** Nothing, when every watermark is at its partition's end, every dead letter published, the group told. */
async function whatIsBehind(place: Place): Promise<string[]> {
  const { rows: waiting } = await place.pool.query<{ count: string }>(
    'select count(*)::text as count from audit.dead_letters where published_at is null',
  )
  const streams = await Promise.all(place.streams.map((fed) => whatOfItIsBehind(place, fed)))
  return [
    ...streams.flat(),
    ...(waiting[0]!.count === '0' ? [] : [`${waiting[0]!.count} dead letters are not published`]),
  ]
}

async function whatOfItIsBehind({ kafka, pool }: Place, { topic, groupId }: Fed): Promise<string[]> {
  const { rows } = await pool.query<{ partition: number; next_offset: string; stop_code: string | null }>(
    'select partition, next_offset::text, stop_code from audit.partition_progress where topic = $1',
    [topic],
  )
  const stopped = rows.find(({ stop_code }) => stop_code !== null)
  if (stopped !== undefined)
    throw new Error(`partition ${stopped.partition} of ${topic} has stopped: ${stopped.stop_code}`)
  const marks = new Map(rows.map(({ partition, next_offset }) => [partition, next_offset]))
  const [ends, committed] = await offsets(kafka, topic, groupId)
  return [
    ...ends
      .filter(({ partition, high }) => marks.get(partition) !== high)
      .map(
        ({ partition, high }) =>
          `partition ${partition} of ${topic} is loaded up to ${marks.get(partition)} of ${high}`,
      ),
    ...committed
      .filter(({ partition, offset }) => marks.get(partition) !== offset)
      .map(
        ({ partition, offset }) => `the group's offset of partition ${partition} of ${topic} is ${offset}`,
      ),
  ]
}

async function offsets(kafka: Kafka, topic: string, groupId: string) {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return [await admin.fetchTopicOffsets(topic), committed?.partitions ?? []] as const
  } finally {
    await admin.disconnect()
  }
}

async function fates({ pool }: Place, sent: readonly SentLog[]): Promise<Record<string, number>> {
  const total = (of: (log: SentLog) => number) => sent.reduce((sum, log) => sum + of(log), 0)
  const { rows } = await pool.query<Record<string, number>>(
    `select coalesce(sum(loaded), 0)::int as loaded, coalesce(sum(duplicate), 0)::int as duplicates,
            coalesce(sum(dead_lettered), 0)::int as "dead letters"
     from audit.pipeline_batches`,
  )
  return { sent: total((log) => log.records), ...rows[0], 'in doubt when sent': total((log) => log.inDoubt) }
}
