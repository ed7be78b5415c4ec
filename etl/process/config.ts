import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { decimalSetting, wholeNumberSetting } from './settings.ts'
import { databaseTlsProblem } from './tls.ts'

/**
 * Everything that the environment may set, read once and checked once at the start of a program.
 * Each program takes the sections it needs. docs/CONFIGURATION.md and .env.example describe them.
 */

type Env = Readonly<Record<string, string | undefined>>

/** A bad environment: names every variable that is wrong, its problem and what is accepted. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const flag = z
  .enum(['true', 'false'], 'is neither true nor false')
  .transform((value) => value === 'true')
  .default(false)

export const kafkaName = z
  .string()
  .regex(
    /^[a-zA-Z0-9._-]{1,249}$/,
    'is not a Kafka name: 1 to 249 letters, digits, dots, dashes or underscores',
  )

const emailList = z
  .string()
  .transform((list) => list.split(',').map((address) => address.trim()))
  .refine(
    (addresses) => addresses.every((address) => /^[^\s@<>,]+@[^\s@<>,]+$/.test(address)),
    'is not a comma-separated list of e-mail addresses',
  )

/** A secret's text never appears in a message: what is said of it names parameters and files only. */
const databaseUrl = z
  .string()
  .refine(isPostgresUrl, {
    message: 'is not a Postgres URL such as postgres://user:password@host:5432/database',
    params: { secret: true },
    abort: true,
  })
  .superRefine((value, context) => {
    const message = databaseTlsProblem(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

/** Text of a PEM file. Its name in place of it is the usual mistake. */
const pem = (what: string, parse: (text: string) => unknown) =>
  z.string().refine((text) => {
    try {
      parse(text)
      return true
    } catch {
      return false
    }
  }, `is not ${what} in PEM (-----BEGIN …); for the name of a file there is the same variable with _FILE at its end`)
const certificate = pem('a certificate', (text) => new X509Certificate(text))
const privateKey = pem('a private key without a passphrase', createPrivateKey)

/** Webhook addresses hold a secret in their path, so their text never appears in a message. */
const secretUrl = (protocols: readonly string[], example: string) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    message: `is not a URL such as ${example}`,
    params: { secret: true },
  })

const webUrl = z
  .string()
  .refine(
    (value) =>
      URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).pathname === '/',
    'is not an address such as https://pulse.example.com',
  )
  .transform((value) => new URL(value).origin)

/** May have a path, as registries have behind a gateway. */
const registryUrl = z
  .string()
  .refine(
    (value) =>
      URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).username === '',
    'is not an address such as https://registry.example.com, without user and password: those are SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD',
  )
  .transform((value) => value.replace(/\/+$/, ''))

const nameList = z.string().transform((list) => list.split(',').map((name) => name.trim()))

const password = z.string().min(12, 'is shorter than 12 characters')

function isPostgresUrl(value: string): boolean {
  return /^postgres(ql)?:\/\//.test(value) && URL.canParse(value)
}

const sections = {
  kafka: {
    KAFKA_BROKERS: z
      .string()
      .transform((list) => list.split(',').map((broker) => broker.trim()))
      .refine(
        (brokers) => brokers.every((broker) => /^(\[[^\]]+\]|[^:\s]+):\d{1,5}$/.test(broker)),
        'is not a comma-separated list of host:port',
      ),
    KAFKA_TOPIC: kafkaName.default('transactions'),
    KAFKA_DLQ_TOPIC: kafkaName.default('transactions.dlq'),
    KAFKA_GROUP_ID: z.string().min(1, 'is empty').max(249).default('etl-consumer'),
    KAFKA_SESSION_TIMEOUT_MS: wholeNumberSetting(6_000, 1_800_000).default(30_000),
    KAFKA_SSL: flag,
    KAFKA_SSL_CA: certificate.optional(),
    KAFKA_SSL_CERT: certificate.optional(),
    KAFKA_SSL_KEY: privateKey.optional(),
    KAFKA_SASL_MECHANISM: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'is none of plain, scram-sha-256, scram-sha-512')
      .optional(),
    KAFKA_SASL_USERNAME: z.string().optional(),
    KAFKA_SASL_PASSWORD: z.string().optional(),
  },
  topics: {
    TOPIC_PARTITIONS: wholeNumberSetting(1, 10_000).default(3),
    TOPIC_REPLICATION: wholeNumberSetting(1, 100).default(1),
    TOPIC_MIN_INSYNC: wholeNumberSetting(1, 100).default(1),
  },
  database: {
    DATABASE_URL: databaseUrl,
    MIGRATION_DATABASE_URL: databaseUrl.optional(),
    DATABASE_POOL_SIZE: wholeNumberSetting(2, 1_000).default(10),
  },
  etl: {
    STREAMS: nameList.optional(),
    ETL_SCHEDULE: z.string().default('*/30 * * * * *'),
    ETL_RUN_BUDGET_MS: wholeNumberSetting(1_000, 86_400_000).default(300_000),
    BATCH_SIZE: wholeNumberSetting(1, 100_000).default(1_000),
    BATCH_BYTES: wholeNumberSetting(65_536, 67_108_864).default(8_388_608),
    DEAD_LETTER_MAX_RATIO: decimalSetting(0, 1).default(0.5),
    TRANSACTION_MAX_AGE_DAYS: wholeNumberSetting(1, 36_500).default(1_095),
    SCHEMA_REGISTRY_URL: registryUrl.optional(),
    SCHEMA_REGISTRY_USER: z.string().optional(),
    SCHEMA_REGISTRY_PASSWORD: z.string().optional(),
    HTTP_PORT: wholeNumberSetting(0, 65_535).default(8_080),
  },
  console: {
    CONSOLE_PASSWORD: password.optional(),
    CONSOLE_VIEWER_PASSWORD: password.optional(),
    CONSOLE_API_TOKEN: z.string().min(32, 'is shorter than 32 characters').optional(),
    CONSOLE_READ_ONLY: flag,
    CONSOLE_URL: webUrl.default('http://127.0.0.1:8080'),
  },
  alerts: {
    ALERT_WEBHOOK_URL: secretUrl(['http:', 'https:'], 'https://example.com/hook').optional(),
    ALERT_SLACK_WEBHOOK_URL: secretUrl(['http:', 'https:'], 'https://hooks.slack.com/services/…').optional(),
    ALERT_SMTP_URL: secretUrl(['smtp:', 'smtps:'], 'smtps://user:password@mail.example.com:465').optional(),
    ALERT_EMAIL_FROM: emailList.refine((list) => list.length === 1, 'is more than one address').optional(),
    ALERT_EMAIL_TO: emailList.optional(),
    ALERT_LATE_SECONDS: wholeNumberSetting(1, 86_400).default(180),
    ALERT_DEAD_LETTER_RATIO: decimalSetting(0, 1).default(0.05),
  },
  housekeeping: {
    RETENTION_DAYS: wholeNumberSetting(32, 36_500).optional(),
    LEDGER_RETENTION_DAYS: wholeNumberSetting(1, 36_500).optional(),
  },
  log: {
    LOG_LEVEL: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
        message: 'is none of trace, debug, info, warn, error, fatal, silent',
      })
      .default('info'),
  },
  producer: {
    PRODUCER_STREAMS: nameList.optional(),
    PRODUCER_MIN_INTERVAL_MS: wholeNumberSetting(0, 3_600_000).default(1_000),
    PRODUCER_MAX_INTERVAL_MS: wholeNumberSetting(0, 3_600_000).default(2_000),
    PRODUCER_RATE: decimalSetting(0.001, 1_000_000).optional(),
    PRODUCER_LIMIT: wholeNumberSetting(1, Number.MAX_SAFE_INTEGER).optional(),
    PRODUCER_INVALID_RATIO: decimalSetting(0, 1).default(0),
    PRODUCER_DUPLICATE_RATIO: decimalSetting(0, 1).default(0),
    PRODUCER_SEED: wholeNumberSetting(0, 4_294_967_295).optional(),
  },
}
type Sections = typeof sections
export type Section = keyof Sections
type SectionValues<S extends Section> = z.infer<z.ZodObject<Sections[S]>>
type Intersect<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never
export type Config<S extends Section> = Intersect<{ [K in S]: SectionValues<K> }[S]>

/** Every variable that a program may read, for the test that holds .env.example against it. */
export const CONFIG_VARIABLES: readonly string[] = Object.values(sections).flatMap((section) =>
  Object.keys(section),
)

/**
 * Reads the sections that a program needs, and what the streams that it loads let the environment set. Blank counts as not set, and NAME_FILE as the file that
 * holds NAME (for Docker secrets).
 *
 * @throws ConfigError that lists every variable that is wrong.
 */
export function readConfig<const S extends Section>(
  wanted: readonly S[],
  env: Env = process.env,
  ofStreams: Readonly<Record<string, z.ZodType>> = {},
): Config<S> {
  const shape = Object.assign({}, ...wanted.map((section) => sections[section]), ofStreams) as z.ZodRawShape
  const problems: string[] = []
  const values: Record<string, string> = {}
  for (const name of Object.keys(shape)) {
    const value = readVariable(name, env, problems)
    if (value !== undefined) values[name] = value
  }
  const parsed = z.object(shape).safeParse(values)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(describe(issue, values))
  }
  if (parsed.success) problems.push(...contradictions(parsed.data))
  if (problems.length > 0)
    throw new ConfigError(`Configuration:\n${problems.map((p) => `  ${p}`).join('\n')}`)
  return parsed.data as Config<S>
}

function readVariable(name: string, env: Env, problems: string[]): string | undefined {
  const value = env[name]
  if (value !== undefined && value !== '') return value
  const file = env[`${name}_FILE`]
  if (file === undefined || file === '') return undefined
  try {
    const text = readFileSync(file, 'utf8').trim()
    return text === '' ? undefined : text
  } catch (error) {
    problems.push(`${name}_FILE: ${(error as NodeJS.ErrnoException).code ?? 'error'} on reading ${file}`)
    return undefined
  }
}

function describe(issue: z.core.$ZodIssue, values: Record<string, string>): string {
  const name = String(issue.path[0])
  const value = values[name]
  if (value === undefined) return `${name} is not set`
  const secret = /_URL$|PASSWORD|TOKEN|KAFKA_SSL_/.test(name)
  return `${name} ${secret ? '' : `${JSON.stringify(value.slice(0, 80))} `}${issue.message}`
}

/** What single variables can't tell: those that only make sense together. */
function contradictions(data: Record<string, unknown>): string[] {
  const problems: string[] = []
  const sasl = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD']
  const missing = sasl.filter((name) => data[name] === undefined)
  if (missing.length > 0 && missing.length < sasl.length) {
    problems.push(`${missing.join(', ')} not set: SASL needs all of ${sasl.join(', ')}`)
  }
  const tls = ['KAFKA_SSL_CA', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY'].filter((name) => data[name] !== undefined)
  if (data['KAFKA_SSL'] === false && tls.length > 0) {
    problems.push(`${tls.join(', ')} set, but KAFKA_SSL is not true: nothing would be encrypted`)
  }
  if ((data['KAFKA_SSL_CERT'] === undefined) !== (data['KAFKA_SSL_KEY'] === undefined)) {
    problems.push('KAFKA_SSL_CERT and KAFKA_SSL_KEY make sense together only')
  }
  if (data['KAFKA_SASL_MECHANISM'] === 'plain' && data['KAFKA_SSL'] === false) {
    problems.push(
      'KAFKA_SASL_MECHANISM plain without KAFKA_SSL=true would send the password in the clear: use TLS or scram-sha-512',
    )
  }
  if ((data['SCHEMA_REGISTRY_USER'] === undefined) !== (data['SCHEMA_REGISTRY_PASSWORD'] === undefined)) {
    problems.push('SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD make sense together only')
  }
  const mail = ['ALERT_SMTP_URL', 'ALERT_EMAIL_FROM', 'ALERT_EMAIL_TO']
  const unset = mail.filter((name) => data[name] === undefined)
  if (unset.length > 0 && unset.length < mail.length) {
    problems.push(`${unset.join(', ')} not set: alerts by e-mail need all of ${mail.join(', ')}`)
  }
  if (
    data['CONSOLE_PASSWORD'] !== undefined &&
    data['CONSOLE_PASSWORD'] === data['CONSOLE_VIEWER_PASSWORD']
  ) {
    problems.push('CONSOLE_VIEWER_PASSWORD is the same as CONSOLE_PASSWORD: viewers could act')
  }
  if (Number(data['TOPIC_MIN_INSYNC']) > Number(data['TOPIC_REPLICATION'])) {
    problems.push('TOPIC_MIN_INSYNC is above TOPIC_REPLICATION: nothing could be written')
  }
  if (Number(data['PRODUCER_MIN_INTERVAL_MS']) > Number(data['PRODUCER_MAX_INTERVAL_MS'])) {
    problems.push('PRODUCER_MIN_INTERVAL_MS is above PRODUCER_MAX_INTERVAL_MS')
  }
  if (Number(data['PRODUCER_INVALID_RATIO']) + Number(data['PRODUCER_DUPLICATE_RATIO']) > 1) {
    problems.push('PRODUCER_INVALID_RATIO and PRODUCER_DUPLICATE_RATIO together are above 1')
  }
  if (data['KAFKA_TOPIC'] !== undefined && data['KAFKA_TOPIC'] === data['KAFKA_DLQ_TOPIC']) {
    problems.push('KAFKA_DLQ_TOPIC is the same as KAFKA_TOPIC: dead letters would be read as records')
  }
  return problems
}
