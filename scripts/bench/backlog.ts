import { count } from '../../etl/text/wording.ts'
import { readConfig } from '../../etl/process/config.ts'
import { createKafka } from '../../etl/kafka/client.ts'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { createLogger } from '../../etl/process/log.ts'
import type { Servers } from '../servers/index.ts'
import { preload, type Sent } from './preload.ts'
import type { Scenario } from './scenarios.ts'

/** A topic that waits to be drained, as often as one likes. */
export interface Backlog {
  readonly topic: string
  readonly sent: Sent
}

/** Fills a topic, does the work, and removes the topic, its dead-letter topic and the groups that drained it. */
export async function withBacklog<T>(
  servers: Servers,
  of: { readonly scenario: Scenario; readonly partitions: number; readonly records: number },
  work: (backlog: Backlog) => Promise<T>,
): Promise<T> {
  const config = readConfig(['kafka'], { ...process.env, KAFKA_BROKERS: servers.kafkaBrokers })
  const kafka = createKafka(config, createLogger('silent'), 'pulse-bench')
  const topic = `pulse_bench_${process.pid}_${of.scenario.name}_${of.partitions}`
  process.stderr.write(`filling a topic: ${of.scenario.name}, ${count(of.partitions, 'partition')}\n`)
  try {
    return await work({ topic, sent: await preload(kafka, topic, of) })
  } finally {
    await withAdmin(kafka, async (admin) => {
      const topics = (await admin.listTopics()).filter((name) => [topic, `${topic}.dlq`].includes(name))
      await admin.deleteTopics({ topics })
      const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId)
      // One whose worker has just died is not empty yet; Kafka forgets it in time.
      await admin.deleteGroups(groups.filter((id) => id.startsWith(`${topic}_`))).catch(() => undefined)
    })
  }
}
