import { Pool } from 'pg'
import { readConfig } from '../../etl/process/config.ts'
import { createKafka } from '../../etl/kafka/client.ts'
import { ensureTopics, partitionBounds, withAdmin } from '../../etl/kafka/topics.ts'
import { createLogger } from '../../etl/process/log.ts'
import { migrate } from '../../scripts/migration/migrate.ts'
import { createDatabase } from '../../scripts/servers/postgres.ts'
import { waitFor } from '../../scripts/servers/wait.ts'
import { startChild, type Child } from '../support/child.ts'
import { PARTITIONS } from './stream.ts'

/** An ETL process with a topic of its stream and a warehouse of its own. */
export interface Target {
  readonly topic: string
  readonly broker: string
  readonly pool: Pool
  readonly etl: Child
  /** Messages on the dead-letter topic. */
  readonly deadLetterMessages: () => Promise<number>
  readonly close: () => Promise<void>
}

/**
 * Differs from production in what the records need to be judged exactly and to get through at all:
 *
 * - The topic keeps the producer's times (CreateTime) and all of its log, so that a record can lie on the
 *   contract's border to the microsecond, and the same seed means the same.
 * - It takes batches of 4 MB: a snappy bomb is 2 MB, as snappy packs zeros no tighter.
 * - Memory is given back as `npm run etl` and the image have it: docs/LIMITS.md.
 * - DEAD_LETTER_MAX_RATIO=1: most records are wrong here, and the stop on mass rejection would do its work.
 */
export async function startTarget(
  servers: { kafkaBrokers: string; databaseUrl: string },
  stream: string,
): Promise<Target> {
  const database = await createDatabase(servers.databaseUrl, 'pulse_fuzz')
  await migrate(database.url)
  const name = database.name
  const dlqName = `${name}.dlq`
  const env = {
    KAFKA_BROKERS: servers.kafkaBrokers,
    STREAMS: stream,
    [`STREAM_${stream.toUpperCase()}_TOPIC`]: name,
    [`STREAM_${stream.toUpperCase()}_DLQ_TOPIC`]: dlqName,
    KAFKA_GROUP_ID: name,
    KAFKA_SESSION_TIMEOUT_MS: '6000',
    DATABASE_URL: database.url,
    ETL_SCHEDULE: '* * * * * *',
    DEAD_LETTER_MAX_RATIO: '1',
    HTTP_PORT: '0',
    NODE_OPTIONS: '--max-semi-space-size=4',
    MALLOC_MMAP_THRESHOLD_: '131072',
  }
  const kafka = createKafka(readConfig(['kafka'], env), createLogger('silent'), name)
  const common = { partitions: PARTITIONS, replication: 1 }
  const settings = {
    'message.timestamp.type': 'CreateTime',
    'retention.ms': '-1',
    'max.message.bytes': '4194304',
  }
  const dlq = { topic: dlqName, ...common, settings: { 'max.message.bytes': '10485760' } }
  const bounds = (topic: string) => withAdmin(kafka, (admin) => partitionBounds(admin, topic))
  await withAdmin(kafka, (admin) => ensureTopics(admin, [{ topic: name, ...common, settings }, dlq]))
  for (const topic of [name, dlqName]) {
    await waitFor(`topic ${topic}`, () =>
      bounds(topic).then(
        () => true,
        () => false,
      ),
    )
  }
  const pool = new Pool({ connectionString: database.url, max: 4 })
  pool.on('error', () => undefined) // the database is dropped under it
  const etl = startChild('etl/main.ts', env)
  return {
    topic: name,
    broker: servers.kafkaBrokers.split(',')[0]!,
    pool,
    etl,
    deadLetterMessages: async () =>
      (await bounds(dlqName)).reduce((sum, { start, end }) => sum + end - start, 0),
    close: async () => {
      etl.kill('SIGKILL')
      await etl.exited
      await pool.end()
      await database.drop()
      await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [name, dlqName] }))
    },
  }
}
