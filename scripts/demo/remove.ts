import { once } from 'node:events'
import { escapeIdentifier } from 'pg'
import { readConfig } from '../../etl/process/config.ts'
import { createKafka, type Kafka } from '../../etl/kafka/client.ts'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { createLogger } from '../../etl/process/log.ts'
import { commandFailure } from '../command-failure.ts'
import { runStatement } from '../servers/postgres.ts'
import { waitFor } from '../servers/wait.ts'

/**
 * `remove.ts <database> <topics> <groups>`, comma-separated: waits for the end of its input, then removes
 * these from the servers of its environment. What is not there was never made, or is removed already.
 * Started by workplace.ts.
 */
const [database = '', topics = '', groups = ''] = process.argv.slice(2)
const config = readConfig(['kafka', 'database'])

/** A member that was killed stays in its group for a session's time. */
const GROUP_LIMIT_MS = config.KAFKA_SESSION_TIMEOUT_MS + 10_000

process.stdin.resume()
await once(process.stdin, 'end')
const kafka = createKafka(config, createLogger('silent'), 'pulse-demo-removal')
const removals = await Promise.allSettled([dropDatabase(), removeFromKafka(kafka)])
const failures = removals.filter((removal) => removal.status === 'rejected')
for (const { reason } of failures) console.error(`Cleaning up: ${commandFailure(reason).message}`)
process.exit(failures.length === 0 ? 0 : 1)

function dropDatabase(): Promise<void> {
  const drop = `drop database if exists ${escapeIdentifier(database)} with (force)`
  return runStatement(config.DATABASE_URL, drop, 5_000)
}

async function removeFromKafka(client: Kafka): Promise<void> {
  await withAdmin(client, async (admin) => {
    const there = new Set(await admin.listTopics())
    const ours = topics.split(',').filter((name) => there.has(name))
    if (ours.length > 0) await admin.deleteTopics({ topics: ours })
    await Promise.all(groups.split(',').map((group) => removeGroup(admin, group)))
  })
}

async function removeGroup(
  admin: Parameters<Parameters<typeof withAdmin>[1]>[0],
  group: string,
): Promise<void> {
  const withoutMembers = async () => {
    const { groups: found } = await admin.describeGroups([group])
    const state = found[0]?.state ?? 'Dead'
    return (state === 'Dead' || state === 'Empty') && state
  }
  const limits = { limitMs: GROUP_LIMIT_MS, everyMs: 250 }
  if ((await waitFor(`the members of the group ${group} to leave`, withoutMembers, limits)) === 'Empty')
    await admin.deleteGroups([group])
}
