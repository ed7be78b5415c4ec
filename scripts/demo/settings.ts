import { streams } from '../../etl/installation.ts'
import { ConfigError, readConfig } from '../../etl/process/config.ts'
import { installedStreams } from '../../etl/stream/installed.ts'
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
  PRODUCER_RATE: '100',
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
const LEFT_OUT = [
  'PRODUCER_SEED',
  'PRODUCER_LIMIT',
  'PRODUCER_STREAMS',
  'STREAMS',
  'KAFKA_TOPIC',
  'KAFKA_DLQ_TOPIC',
  'KAFKA_GROUP_ID',
  'MIGRATION_DATABASE_URL',
]
/** Of a stream: STREAM_SALES_TOPIC and the like. */
const OF_A_STREAM = 'STREAM_'

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
  if (mode !== 'given') return { database: 'pulse', prefix: undefined }
  return { database: `pulse_demo_${random}`, prefix: `pulse-demo-${random}` }
}

/** Where streams and their groups are: the first of them has settings without its name. */
function ofStreams(prefix: string | undefined): Record<string, string> {
  if (prefix === undefined) return {}
  const [, ...others] = streams
  return {
    KAFKA_TOPIC: prefix,
    KAFKA_DLQ_TOPIC: `${prefix}.dlq`,
    KAFKA_GROUP_ID: prefix,
    ...Object.fromEntries(
      others.map(({ name }) => [`STREAM_${name.toUpperCase()}_TOPIC`, `${prefix}-${name}`]),
    ),
  }
}

/** The environment of the programs, made of the demo's own. */
export function programEnvironment(
  env: Env,
  servers: Pick<Servers, 'mode' | 'kafkaBrokers' | 'databaseUrl'>,
  names: Names,
): Record<string, string | undefined> {
  const database = new URL(servers.databaseUrl)
  database.pathname = `/${names.database}`
  const given = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(OF_A_STREAM)))
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
    ...ofStreams(names.prefix),
    DATABASE_URL: database.href,
  }
}

/** The environment as the demo's own process reads it. @throws ConfigError */
export const readProgramConfig = (env: Env) =>
  readConfig(['kafka', 'topics', 'database', 'etl', 'producer'], env)
export type DemoConfig = ReturnType<typeof readProgramConfig>

/** The streams, each with its topic and its group. @throws ConfigError */
export const streamsOf = (config: DemoConfig, env: Env) => installedStreams(config, streams, env)

/** Reads all but the servers, before any is started for an environment that is wrong. @throws ConfigError */
export function checkEnvironment(env: Env): DemoConfig {
  const servers = {
    mode: 'given',
    kafkaBrokers: 'localhost:9092',
    databaseUrl: 'postgres://localhost/postgres',
  } as const
  return readProgramConfig(programEnvironment(env, servers, chooseNames(servers.mode, '')))
}
