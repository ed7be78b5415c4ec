import { ConfigError, readConfig } from '../../etl/process/config.ts'
import type { Servers } from '../servers/index.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Blank counts as not set, as in etl/process/config.ts. */
const setOr = (usual: string, value: string | undefined): string =>
  value === undefined || value === '' ? usual : value

/** A timer takes at most 2^31 ms, which is a little more than this. */
const MAX_SECONDS = 2_000_000

/**
 * DEMO_SECONDS: how long records come; 0 is until Ctrl-C.
 *
 * @throws ConfigError
 */
export function readSeconds(env: Env): number {
  const text = setOr('60', env['DEMO_SECONDS'])
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (seconds <= MAX_SECONDS) return seconds
  throw new ConfigError(
    `Configuration:\n  DEMO_SECONDS ${JSON.stringify(text.slice(0, 80))} is not a whole number from 0 (until Ctrl-C) to ${MAX_SECONDS}`,
  )
}

/** What the demo sets where the environment says nothing else: a lively trade with some faults. */
const LIVELY = {
  PRODUCER_RATE: '200',
  PRODUCER_INVALID_RATIO: '0.03',
  PRODUCER_DUPLICATE_RATIO: '0.03',
}

/** Seconds from run to run: often enough to see something happen. */
export const RUN_EVERY_SECONDS = 5

/** What the demo decides, whatever is meant for other programs in the same environment. */
const DECIDED = {
  ETL_SCHEDULE: `*/${RUN_EVERY_SECONDS} * * * * *`,
  // An ETL that is killed with the demo soon leaves its group, so that the group can be removed.
  KAFKA_SESSION_TIMEOUT_MS: '6000',
  HTTP_PORT: '0',
  LOG_LEVEL: 'info',
}
const LEFT_OUT = ['PRODUCER_SEED', 'PRODUCER_LIMIT', 'MIGRATION_DATABASE_URL']

/** How to reach servers that somebody gave, and what their topics must be like; ours need none of it. */
const OF_GIVEN_SERVERS = [
  'KAFKA_SSL',
  'KAFKA_SASL_MECHANISM',
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
  'TOPIC_REPLICATION',
  'TOPIC_MIN_INSYNC',
]

export type Names = Readonly<ReturnType<typeof chooseNames>>

/** The usual names on servers of our own; on given ones names that nobody has. */
export function chooseNames(mode: Servers['mode'], random: string) {
  if (mode !== 'given')
    return { database: 'pulse', topic: 'transactions', dlqTopic: 'transactions.dlq', group: 'etl-consumer' }
  const name = `pulse-demo-${random}`
  return { database: `pulse_demo_${random}`, topic: name, dlqTopic: `${name}.dlq`, group: name }
}

/** The environment of the programs, made of the demo's own. */
export function programEnvironment(
  env: Env,
  servers: Pick<Servers, 'mode' | 'kafkaBrokers' | 'databaseUrl'>,
  names: Names,
): Record<string, string | undefined> {
  const database = new URL(servers.databaseUrl)
  database.pathname = `/${names.database}`
  const given = { ...env }
  for (const name of [...LEFT_OUT, ...(servers.mode === 'given' ? [] : OF_GIVEN_SERVERS)]) {
    delete given[name]
    delete given[`${name}_FILE`]
  }
  const lively = Object.entries(LIVELY).map(([name, usual]) => [name, setOr(usual, given[name])])
  return {
    ...given,
    ...(Object.fromEntries(lively) as typeof LIVELY),
    ...DECIDED,
    KAFKA_BROKERS: servers.kafkaBrokers,
    KAFKA_TOPIC: names.topic,
    KAFKA_DLQ_TOPIC: names.dlqTopic,
    KAFKA_GROUP_ID: names.group,
    DATABASE_URL: database.href,
  }
}

/** The environment as the demo's own process reads it. @throws ConfigError */
export const readProgramConfig = (env: Env) =>
  readConfig(['kafka', 'topics', 'database', 'etl', 'producer'], env)
export type DemoConfig = ReturnType<typeof readProgramConfig>

/** Reads all but the servers, before any is started for an environment that is wrong. @throws ConfigError */
export function checkEnvironment(env: Env): DemoConfig {
  const servers = {
    mode: 'given',
    kafkaBrokers: 'localhost:9092',
    databaseUrl: 'postgres://localhost/postgres',
  } as const
  return readProgramConfig(programEnvironment(env, servers, chooseNames(servers.mode, '')))
}
