import { readConfig, type Config } from '../etl/process/config.ts'
import { createKafka } from '../etl/kafka/client.ts'
import { ensureTopics, withAdmin, type TopicResult, type TopicSpec } from '../etl/kafka/topics.ts'
import { daysOf } from '../etl/stream/age.ts'
import type { Definition } from '../etl/stream/definition.ts'
import { createLogger } from '../etl/process/log.ts'
import { installedStreams } from '../etl/stream/installed.ts'
import { streams } from '../etl/installation.ts'
import { runCommand } from './command-failure.ts'

const HELP = `Usage: npm run topics

Makes the topic of each stream (as its declaration says; 7 days unless it does, LogAppendTime) and that of its dead letters (30
days, larger messages), where they are missing, and names what differs on those that are there. Changes none.

Reads KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_DLQ_TOPIC, TOPIC_PARTITIONS, TOPIC_REPLICATION, TOPIC_MIN_INSYNC,
and of each stream STREAM_<NAME>_TOPIC, _DLQ_TOPIC, _PARTITIONS, _REPLICATION.
Exit codes: 0 the topics are there, 1 failed, 2 usage or configuration, 6 there, but not as wanted.`

const DAY_MS = 86_400_000
/** Kafka's default, written down so that the dead letters' limit can stand above it. */
const MAX_MESSAGE_BYTES = 1_048_588

/**
 * The two topics of a stream as the product wants them.
 *
 * @param stream whose they are: its declaration says how long records are kept.
 */
export function topicSpecs(
  config: Config<'kafka' | 'topics'>,
  stream?: Pick<Definition, 'topic' | 'identity'>,
): TopicSpec[] {
  const common = { partitions: config.TOPIC_PARTITIONS, replication: config.TOPIC_REPLICATION }
  const safe = {
    'min.insync.replicas': String(config.TOPIC_MIN_INSYNC),
    'unclean.leader.election.enable': 'false',
  }
  return [
    {
      ...common,
      topic: config.KAFKA_TOPIC,
      settings: {
        ...safe,
        ...keeping(stream),
        // Kafka's own time: what the producer says may be wrong, and retention goes by it.
        'message.timestamp.type': 'LogAppendTime',
        'max.message.bytes': String(MAX_MESSAGE_BYTES),
      },
    },
    {
      ...common,
      topic: config.KAFKA_DLQ_TOPIC,
      settings: {
        ...safe,
        'retention.ms': String(30 * DAY_MS),
        'max.message.bytes': String(10 * MAX_MESSAGE_BYTES),
      },
    },
  ]
}

/** How long Kafka keeps records. A rebuild has no more of versions than what the topic holds, so all of them unless told. */
function keeping(stream?: Pick<Definition, 'topic' | 'identity'>): Record<string, string> {
  const { compact, retention } = stream?.topic ?? {}
  if (compact === true) return { 'cleanup.policy': 'compact', 'retention.ms': '-1' }
  const isForEver =
    retention === 'forever' || (retention === undefined && stream?.identity.latest !== undefined)
  return { 'retention.ms': isForEver ? '-1' : String(daysOf(retention ?? '7 days')! * DAY_MS) }
}

async function main(): Promise<number> {
  const config = readConfig(['kafka', 'topics', 'log'])
  const kafka = createKafka(config, createLogger('silent'), 'global-sales-pulse-topics')
  const specs = installedStreams(config, streams).flatMap((one) => topicSpecs(one.config, one.definition))
  const results = await withAdmin(kafka, (admin) => ensureTopics(admin, specs))
  for (const result of results) report(result)
  return results.some((result) => !result.made && result.differences.length > 0) ? 6 : 0
}

function report(result: TopicResult): void {
  if (result.made) console.log(`${result.topic}: made`)
  else if (result.differences.length === 0) console.log(`${result.topic}: there, as wanted`)
  else {
    console.log(`${result.topic}: there, but`)
    for (const { name, wanted, found } of result.differences)
      console.log(`  ${name} is ${found}, wanted ${wanted}`)
  }
}

if (import.meta.main) await runCommand(HELP, main)
