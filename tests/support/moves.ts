import { onTestFinished } from 'vitest'
import { pino } from 'pino'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { readConfig } from '../../etl/process/config.ts'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import { makeTopic } from './kafka.ts'
import { messagesOf } from './messages.ts'
import { runPulse } from './pulse.ts'
import { parcels } from './streams/parcels.ts'
import { openWorker } from './worker.ts'
import { aWorld, type World } from './world.ts'

/** Worlds of a stream whose topic is renamed. */

export const aParcel = messagesOf(parcels)
export const some = (n: number) => Array.from({ length: n }, () => aParcel.aLiveMessage())

/** A world that has loaded three records, and another topic. */
export async function aWorldToMove(options: Parameters<typeof aWorld>[0] = {}) {
  const world = await aWorld({ stream: parcels, partitions: 1, ...options })
  const to = `${world.topic}-2`
  await makeTopic(world, to, 2)
  await makeTopic(world, `${to}.dlq`)
  onTestFinished(async () => {
    const there = await withAdmin(world.kafka, (admin) => admin.listTopics())
    const ours = [to, `${to}.dlq`].filter((topic) => there.includes(topic))
    await withAdmin(world.kafka, (admin) => admin.deleteTopics({ topics: ours }))
  })
  await world.produce(some(3))
  const worker = await world.openWorker()
  await worker.runOnce()
  await worker.close()
  return { world, to }
}

export const pulse = (world: World, ...args: string[]) =>
  runPulse(world.env, ['streams', 'move', 'parcels', ...args])
export const move = (world: World, to: string, ...args: string[]) =>
  pulse(world, '--topic', to, '--reason', 'renamed', '--yes', ...args)

/** A worker that is told to read this topic. */
export async function workerOf(world: World, topic: string) {
  const env = { ...world.env, KAFKA_TOPIC: topic, KAFKA_DLQ_TOPIC: `${topic}.dlq` }
  const worker = await openWorker({
    kafka: world.kafka,
    config: readConfig(['kafka', 'database', 'etl', 'housekeeping'], env),
    logger: pino({ level: 'silent' }),
    name: `of ${topic}`,
    owns: [0, 1], // a group whose members read different topics shares out nothing of use
    stream: world.stream,
  })
  onTestFinished(() => worker.close())
  return worker
}

export async function proofOf({ pool, kafka, stream }: World, topic: string) {
  const { checks, ...rest } = await reconcile({ pool, kafka, stream, topic, deep: true })
  const findings = checks.flatMap((check) =>
    check.findings.flatMap(({ kind, examples }) =>
      examples.map((one) => `${kind}: ${one.subject}: ${one.message}`),
    ),
  )
  return { ...rest, findings }
}

export async function sources({ pool }: World) {
  const { rows } = await pool.query<{ is: string }>(
    `select concat_ws(' ', topic, partition, source_partition, next_offset, stop_code) as is
     from audit.partition_progress order by source_partition`,
  )
  return rows.map((row) => row.is)
}
