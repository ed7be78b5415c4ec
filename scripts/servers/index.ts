import { readConfig } from '../../etl/process/config.ts'
import { startDocker } from './docker.ts'
import { KAFKA_VERSION } from './kafka.ts'
import { startLocalKafka } from './local-kafka.ts'
import { startLocalPostgres } from './local-postgres.ts'
import { postgresVersion } from './postgres.ts'
import { MODES, type Mode, type Servers, type StartOptions, type StartPlan } from './types.ts'
import { bothOrNone, watchedDirectory } from './watchdog.ts'

export type { Mode, ServerControl, Servers, StartOptions } from './types.ts'

const ways: Record<Mode, (plan: StartPlan) => Promise<Servers>> = {
  given: useGiven,
  docker: startDocker,
  local: startLocal,
}

/**
 * A real Kafka and a real Postgres for tests, demo and bench: the first way that works of those that the
 * environment gives, containers and local processes, or the one that `only` or PULSE_SERVERS names.
 *
 * What was started ends with `stop()`, or else with this process, however that ends.
 *
 * @throws Error that says why no way worked and what to set or install.
 */
export async function startServers(options: StartOptions = {}): Promise<Servers> {
  const say = options.say ?? ((line: string) => process.stderr.write(`${line}\n`))
  const plan = { say, postgresSettings: {}, kafkaSettings: {}, ...options }
  const chosen = options.only ?? chosenByEnvironment()
  const reasons: string[] = []
  for (const mode of chosen === undefined ? MODES : [chosen]) {
    try {
      const servers = await ways[mode](plan)
      say(`servers: ${[servers.description, ...reasons].join('; ')}`)
      return servers
    } catch (error) {
      reasons.push(`not ${mode}: ${(error as Error).message.replace(/\s*\n\s*/g, ', ')}`)
    }
  }
  throw new Error(`No Kafka and Postgres.\n${[...reasons, REMEDY].join('\n')}`)
}

const REMEDY = `One of these is needed:
  given   KAFKA_BROKERS and DATABASE_URL in the environment, of a Postgres 17 role that may create databases
  docker  a Docker engine that this user may use, with or able to pull the images of Kafka and Postgres
  local   Java 17 or newer and Maven (java and mvn on the PATH), and npm install run on this machine
PULSE_SERVERS=given, docker or local takes that one only.`

function chosenByEnvironment(): Mode | undefined {
  const value = process.env['PULSE_SERVERS']
  if (value === undefined || value === '') return undefined
  const mode = MODES.find((known) => known === value)
  if (mode === undefined) throw new Error(`PULSE_SERVERS "${value}" is none of ${MODES.join(', ')}`)
  return mode
}

/**
 * The servers that KAFKA_BROKERS and DATABASE_URL name. They belong to somebody: nothing here changes
 * them, and they have no controls, so nobody does faults to them.
 *
 * @throws Error if a variable is missing or wrong, or Postgres doesn't answer. Kafka may want TLS or a
 * password, which only the client knows how to do.
 */
async function useGiven(): Promise<Servers> {
  const names = ['KAFKA_BROKERS', 'KAFKA_BROKERS_FILE', 'DATABASE_URL', 'DATABASE_URL_FILE']
  if (names.every((name) => (process.env[name] ?? '') === ''))
    throw new Error('KAFKA_BROKERS and DATABASE_URL are not set')
  const { KAFKA_BROKERS: brokers, DATABASE_URL: databaseUrl } = readConfig(['kafka', 'database'])
  const { host } = new URL(databaseUrl)
  const version = await postgresVersion(databaseUrl)
  if (version === undefined) throw new Error(`Postgres at ${host} (DATABASE_URL) takes no queries`)
  return {
    mode: 'given',
    description: `given by the environment: PostgreSQL ${version} at ${host}, Kafka at ${brokers.join(',')}`,
    kafkaBrokers: brokers.join(','),
    databaseUrl,
    stop: () => Promise.resolve(),
  }
}

/**
 * Both servers as processes of ours, side by side, with everything they write in one directory.
 * @throws Error with what failed; nothing is left then.
 */
async function startLocal(plan: StartPlan): Promise<Servers> {
  const { directory, watchdog } = watchedDirectory()
  const [postgres, [kafka]] = await bothOrNone(watchdog, [
    startLocalPostgres(directory, watchdog, plan),
    startLocalKafka(directory, watchdog, plan),
  ])
  return {
    mode: 'local',
    description: `local processes: PostgreSQL ${postgres.version}, Kafka ${KAFKA_VERSION}`,
    kafkaBrokers: kafka!.address,
    databaseUrl: postgres.databaseUrl,
    kafka: kafka!.control,
    postgres: postgres.control,
    stop: () => watchdog.end(),
  }
}
