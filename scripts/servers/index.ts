import { startDocker } from './docker.ts'
import { useGiven } from './given.ts'
import { startLocal } from './local.ts'
import { MODES, type Mode, type Servers, type StartOptions, type StartPlan } from './types.ts'

export type { Mode, ServerControl, Servers, StartOptions } from './types.ts'

const ways: Record<Mode, (plan: StartPlan) => Promise<Servers>> = {
  given: () => useGiven(),
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
