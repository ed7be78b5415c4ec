import { messageOf } from '../../etl/text/message-of.ts'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pRetry from 'p-retry'
import { escapeIdentifier, type Pool } from 'pg'
import { createKafka, type Kafka } from '../../etl/kafka/client.ts'
import { ensureTopics, withAdmin } from '../../etl/kafka/topics.ts'
import type { Logger } from '../../etl/process/log.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { isTemporary } from '../../producer/publish.ts'
import { migrate, MigrationRefused } from '../migration/migrate.ts'
import { renderReport } from '../schema-validator/report.ts'
import type { Servers } from '../servers/index.ts'
import { runStatement } from '../servers/postgres.ts'
import { topicSpecs } from '../topics.ts'
import {
  chooseNames,
  programEnvironment,
  readProgramConfig,
  streamsOf,
  type DemoConfig,
  type Names,
} from './settings.ts'
import { wrapped } from './screen.ts'

const INDENT = ' '.repeat(11)

/** A warehouse and topics of the demo's own, and how to reach them. */
export interface Workplace {
  readonly names: Names
  /** For the programs. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly config: DemoConfig
  readonly streams: ReturnType<typeof streamsOf>
  readonly kafka: Kafka
  /** Connections that act as the loader. */
  readonly pool: Pool
  /**
   * Lets go of everything, and removes it from servers that go on. Says what could not be removed, and
   * gives false then.
   */
  remove(): Promise<boolean>
}

/**
 * Makes the database, migrates it through the gate and makes the topics. On given servers all names are new.
 *
 * @throws Error that says what failed and what it needs; nothing is left then.
 */
export async function openWorkplace(
  servers: Servers,
  env: NodeJS.ProcessEnv,
  logger: Logger,
  say: (line: string) => void,
): Promise<Workplace> {
  const names = chooseNames(servers.mode, randomBytes(4).toString('hex'))
  const programEnv = programEnvironment(env, servers, names)
  const config = readProgramConfig(programEnv)
  const installed = streamsOf(config, programEnv)
  const removeMade =
    servers.mode === 'given' ? startRemoval(names, installed, servers.databaseUrl, programEnv) : undefined
  const kafka = createKafka(config, logger, 'pulse-demo')
  const pool = createPool(config, 'pulse_loader', logger)
  const workplace: Workplace = {
    names,
    env: programEnv,
    config,
    streams: installed,
    kafka,
    pool,
    remove: async () => {
      await pool.end()
      return removeMade === undefined || removeMade()
    },
  }
  try {
    await makeDatabase(servers.databaseUrl, names.database)
    say(await migrated(config.DATABASE_URL, names.database))
    say(await madeTopics(kafka, workplace))
    if (removeMade !== undefined)
      say(`${INDENT}At the end the demo removes what it has made here: this database, these topics.`)
    return workplace
  } catch (error) {
    await workplace.remove()
    throw error
  }
}

async function makeDatabase(adminUrl: string, name: string): Promise<void> {
  const needs = 'DATABASE_URL must name a Postgres 17 role that may create databases.'
  const create = `create database ${escapeIdentifier(name)} template template0 encoding 'UTF8'`
  await step(`Making the database ${name}`, needs, () => runStatement(adminUrl, create, 5_000))
}

async function migrated(databaseUrl: string, name: string): Promise<string> {
  try {
    const { applied, report } = await migrate(databaseUrl)
    const verdict = renderReport(report).split('\n').at(-1) ?? ''
    return wrapped(`warehouse  database ${name}, ${applied.length} migrations applied. ${verdict}`, INDENT)
  } catch (error) {
    const report = error instanceof MigrationRefused ? error.found?.report : undefined
    const needs = report === undefined ? 'The warehouse can’t be used like this.' : renderReport(report)
    return step('Migrating the warehouse', needs, () => Promise.reject(error))
  }
}

async function madeTopics(
  kafka: Kafka,
  { config, streams }: Pick<Workplace, 'config' | 'streams'>,
): Promise<string> {
  const needs = `KAFKA_BROKERS (${config.KAFKA_BROKERS.join(',')}) must be a Kafka where this client may make topics.`
  // A broker that has just begun may not know at once of a topic that it has made.
  const patience = {
    retries: 3,
    minTimeout: 500,
    shouldRetry: ({ error }: { error: Error }) => isTemporary(error),
  }
  const specs = streams.flatMap((one) => topicSpecs(one.config, one.definition))
  await step('Making the topics', needs, () =>
    pRetry(() => withAdmin(kafka, (admin) => ensureTopics(admin, specs)), patience),
  )
  const topics = streams.map((one) => one.config.KAFKA_TOPIC).join(', ')
  return wrapped(`topics     ${topics}, and of each that of its dead letters`, INDENT)
}

/** Does a step of the demo. @throws Error that names the step and says what it needs. */
async function step<T>(what: string, needs: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const reason = messageOf(error)
    throw new Error(`${what} failed: ${reason}\n${needs}`, { cause: error })
  }
}

const removalProgram = fileURLToPath(new URL('remove.ts', import.meta.url))

/**
 * A process beside ours that removes what the demo makes on somebody else's servers, when we are gone.
 *
 * It waits for the end of a pipe to us, as the servers' watchdog does, and for the same reason: after
 * kill -9 or a second Ctrl-C no handler of ours runs, but the kernel closes the pipe. An orderly end takes
 * the same way, so there is one clean-up. Start it before anything is made.
 *
 * @param databaseUrl the maintenance database, from which the demo's own is dropped.
 * @returns what removes everything; it says what may be left, and gives false then.
 */
function startRemoval(
  { database }: Names,
  streams: Workplace['streams'],
  databaseUrl: string,
  env: Workplace['env'],
): () => Promise<boolean> {
  const topics = streams.flatMap(({ config }) => [config.KAFKA_TOPIC, config.KAFKA_DLQ_TOPIC])
  const groups = streams.map(({ config }) => config.KAFKA_GROUP_ID)
  const child = spawn(process.execPath, [removalProgram, database, topics.join(), groups.join()], {
    // Its own session: Ctrl-C must not reach it. Its errors are for people, whatever became of us.
    detached: true,
    env: { ...env, DATABASE_URL: databaseUrl },
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  child.stdin.on('error', () => {}) // EPIPE: it has gone; its exit code says why
  const exited = once(child, 'exit')
  exited.catch(() => {})
  return async () => {
    child.stdin.end()
    const [code] = await exited.catch(() => [])
    if (code === 0) return true
    console.error(
      `Not everything that the demo made could be removed. Look for the database ${database}, ` +
        `the topics ${topics.join(', ')}, and the groups ${groups.join(', ')}.`,
    )
    return false
  }
}
