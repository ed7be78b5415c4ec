import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Pool } from 'pg'
import { readConfig } from '../../../etl/process/config.ts'
import { createKafka, type Kafka } from '../../../etl/kafka/client.ts'
import { ensureTopics, withAdmin } from '../../../etl/kafka/topics.ts'
import { createLogger } from '../../../etl/process/log.ts'
import type { Definition } from '../../../etl/stream/definition.ts'
import type { Stream } from '../../../etl/stream/compile.ts'
import { installedStreams } from '../../../etl/stream/installed.ts'
import { streams as all } from '../../../streams/index.ts'
import { ensureLogins } from '../../../scripts/logins.ts'
import { migrate } from '../../../scripts/migration/migrate.ts'
import { bothOrNone, type Watchdog, watchedDirectory } from '../../../scripts/servers/watchdog.ts'
import { createDatabase } from '../../../scripts/servers/postgres.ts'
import { startLocalKafka, type LocalBroker } from '../../../scripts/servers/local-kafka.ts'
import { startLocalPostgres, type LocalPostgres } from '../../../scripts/servers/local-postgres.ts'
import type { StartPlan } from '../../../scripts/servers/types.ts'
import { topicSpecs } from '../../../scripts/topics.ts'

/** A Kafka and a Postgres of the storm's own, with a migrated warehouse and topics on them. */
export interface Place {
  readonly postgres: LocalPostgres['control']
  readonly broker: LocalBroker['control']
  /** Where servers and workers write; gone with them. */
  readonly directory: string
  /** Ends what the storm starts, also when the storm is killed. */
  readonly watchdog: Watchdog
  /** For the programs of the product, as the superuser. */
  readonly env: Readonly<Record<string, string>>
  /** For each worker, with a login of its own: worker_1 and so on. */
  readonly workerEnvs: readonly Readonly<Record<string, string>>[]
  readonly streams: readonly Fed[]
  readonly kafka: Kafka
  /** Connections as the superuser, which no fault is meant for. */
  readonly pool: Pool
  /** Ends the servers, and whatever else the watchdog knows of, and removes their directory. */
  remove(): Promise<void>
}

/** A stream that the workers load, and where its records go. */
export interface Fed {
  readonly stream: Pick<Stream, 'name' | 'definition'>
  readonly topic: string
  readonly dlqTopic: string
  readonly groupId: string
  readonly partitions: number
}

const PLAN: StartPlan = { say: () => undefined, postgresSettings: {}, kafkaSettings: {} }

/** Small batches make many commits, so that faults find the job in the middle of them. */
const ENV = {
  KAFKA_SESSION_TIMEOUT_MS: '6000',
  ETL_SCHEDULE: '* * * * * *',
  BATCH_SIZE: '50',
  HTTP_PORT: '0',
}

/** @throws Error with what could not be started; nothing is left then. */
export async function openPlace(workers: number, streams: readonly Definition[]): Promise<Place> {
  const { directory, watchdog } = watchedDirectory()
  const [postgres, brokers] = await bothOrNone(watchdog, [
    startLocalPostgres(directory, watchdog, PLAN),
    startLocalKafka(directory, watchdog, PLAN),
  ])
  try {
    const database = await createDatabase(postgres.databaseUrl, 'pulse_storm')
    await migrate(database.url)
    const logins = Array.from({ length: workers }, (_, index) => ({
      name: workerLogin(index + 1),
      password: randomBytes(12).toString('hex'),
      memberOf: 'pulse_loader' as const,
    }))
    await ensureLogins(database.url, logins)
    const names = streams.map(({ name }) => name)
    const env = {
      ...ENV,
      STREAMS: names.join(),
      KAFKA_BROKERS: brokers[0]!.address,
      DATABASE_URL: database.url,
    }
    const config = readConfig(['kafka', 'topics'], env)
    const kafka = createKafka(config, createLogger('silent'), 'pulse-storm')
    const installed = installedStreams(config, all, env).filter((one) => streams.includes(one.definition))
    const specs = installed.flatMap((one) => topicSpecs(one.config, one.definition))
    await withAdmin(kafka, (admin) => ensureTopics(admin, specs))
    const pool = new Pool({
      connectionString: database.url,
      application_name: 'storm',
      max: 3,
      connectionTimeoutMillis: 5_000,
    })
    pool.on('error', () => undefined) // the server is struck; the next query says so
    return {
      postgres: postgres.control,
      broker: brokers[0]!.control,
      directory,
      watchdog,
      env,
      workerEnvs: logins.map(({ name, password }) => {
        const url = new URL(database.url)
        url.username = name
        url.password = password
        return { ...env, DATABASE_URL: url.href }
      }),
      streams: installed.map(({ definition, config: its }) => ({
        stream: { name: definition.name, definition },
        topic: its.KAFKA_TOPIC,
        dlqTopic: its.KAFKA_DLQ_TOPIC,
        groupId: its.KAFKA_GROUP_ID,
        partitions: its.TOPIC_PARTITIONS,
      })),
      kafka,
      pool,
      remove: async () => {
        await pool.end()
        await watchdog.end()
      },
    }
  } catch (error) {
    await watchdog.end()
    throw error
  }
}

export const workerLogin = (worker: number): string => `worker_${worker}`

export const workerLog = (place: Pick<Place, 'directory'>, worker: number): string =>
  join(place.directory, `worker-${worker}.log`)
