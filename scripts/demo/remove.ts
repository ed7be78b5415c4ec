import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, escapeIdentifier } from 'pg'
import { readConfig } from '../../etl/process/config.ts'
import { createKafka, type Kafka } from '../../etl/kafka/client.ts'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { createLogger, scrub } from '../../etl/process/log.ts'

/**
 * `remove.ts <database> <topic> <dead-letter topic> <group>`: waits for the end of its input, then removes
 * these from the servers of its environment. What is not there was never made, or is removed already.
 * Started by removal.ts.
 */
const [database = '', topic = '', dlqTopic = '', group = ''] = process.argv.slice(2)
const config = readConfig(['kafka', 'database'])

/** A member that was killed stays in its group for a session's time. */
const GROUP_LIMIT_MS = config.KAFKA_SESSION_TIMEOUT_MS + 10_000
const GROUP_EVERY_MS = 250

process.stdin.resume()
await once(process.stdin, 'end')
const kafka = createKafka(config, createLogger('silent'), 'pulse-demo-removal')
const removals = await Promise.allSettled([dropDatabase(), removeFromKafka(kafka)])
const failures = removals.filter((removal) => removal.status === 'rejected')
for (const { reason } of failures)
  console.error(`Cleaning up: ${scrub(reason instanceof Error ? reason.message : String(reason))}`)
process.exit(failures.length === 0 ? 0 : 1)

async function dropDatabase(): Promise<void> {
  const client = new Client({ connectionString: config.DATABASE_URL, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    await client.query(`drop database if exists ${escapeIdentifier(database)} with (force)`)
  } finally {
    await client.end()
  }
}

async function removeFromKafka(client: Kafka): Promise<void> {
  await withAdmin(client, async (admin) => {
    const there = new Set(await admin.listTopics())
    const topics = [topic, dlqTopic].filter((name) => there.has(name))
    if (topics.length > 0) await admin.deleteTopics({ topics })

    const deadline = performance.now() + GROUP_LIMIT_MS
    for (;;) {
      const { groups } = await admin.describeGroups([group])
      const state = groups[0]?.state
      if (state === undefined || state === 'Dead') return
      if (state === 'Empty') break
      if (performance.now() > deadline)
        throw new Error(`the group ${group} still has members after ${GROUP_LIMIT_MS / 1000} s`)
      await delay(GROUP_EVERY_MS)
    }
    await admin.deleteGroups([group])
  })
}
