import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CONFIG_VARIABLES, ConfigError, readConfig, type Section } from '../../etl/process/config.ts'
import { streams } from '../../streams/index.ts'
import type { Settings } from '../../etl/stream/definition.ts'
import { decimalSetting } from '../../etl/process/settings.ts'
import { checkSchedule } from '../../etl/job/scheduler.ts'

const KEY = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey

const SECTIONS: Section[] = ['kafka', 'topics', 'database', 'etl', 'log', 'producer']
/** What a stream may read beside the engine's own. */
const OF_A_STREAM: Settings = { RATE: decimalSetting(0, 1).default(0.085) }
const OF_STREAMS = Object.assign({}, ...streams.map(({ environment }) => environment)) as Settings
const VARIABLES = [...CONFIG_VARIABLES, ...Object.keys(OF_STREAMS)]
const REQUIRED = { KAFKA_BROKERS: 'localhost:9092', DATABASE_URL: 'postgres://u:p@h/db' }

/** What is said of an environment with this change. */
function complaint(env: Record<string, string | undefined>, sections = SECTIONS): string {
  try {
    readConfig(sections, { ...REQUIRED, ...env }, OF_A_STREAM)
    return 'accepted'
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message
  }
}

test('the defaults are those of the documentation', () => {
  expect(readConfig(SECTIONS, REQUIRED, OF_A_STREAM)).toEqual({
    KAFKA_BROKERS: ['localhost:9092'],
    KAFKA_TOPIC: 'transactions',
    KAFKA_DLQ_TOPIC: 'transactions.dlq',
    KAFKA_GROUP_ID: 'etl-consumer',
    KAFKA_SESSION_TIMEOUT_MS: 30_000,
    KAFKA_SSL: false,
    TOPIC_PARTITIONS: 3,
    TOPIC_REPLICATION: 1,
    TOPIC_MIN_INSYNC: 1,
    DATABASE_URL: 'postgres://u:p@h/db',
    DATABASE_POOL_SIZE: 10,
    ETL_SCHEDULE: '*/30 * * * * *',
    ETL_RUN_BUDGET_MS: 300_000,
    BATCH_SIZE: 1_000,
    BATCH_BYTES: 8_388_608,
    RATE: 0.085,
    DEAD_LETTER_MAX_RATIO: 0.5,
    TRANSACTION_MAX_AGE_DAYS: 1_095,
    HTTP_PORT: 8_080,
    LOG_LEVEL: 'info',
    PRODUCER_MIN_INTERVAL_MS: 1_000,
    PRODUCER_MAX_INTERVAL_MS: 2_000,
    PRODUCER_INVALID_RATIO: 0,
    PRODUCER_DUPLICATE_RATIO: 0,
  })
})

describe('a bad value is named with its variable and what is accepted', () => {
  test.for([
    ['KAFKA_BROKERS', 'localhost', '"localhost" is not a comma-separated list of host:port'],
    ['KAFKA_BROKERS', 'a:1,,b:2', 'is not a comma-separated list of host:port'],
    [
      'KAFKA_TOPIC',
      'no spaces',
      'is not a Kafka name: 1 to 249 letters, digits, dots, dashes or underscores',
    ],
    ['KAFKA_SESSION_TIMEOUT_MS', '5999', 'is outside 6000 to 1800000'],
    ['KAFKA_SSL', 'yes', '"yes" is neither true nor false'],
    ['KAFKA_SASL_MECHANISM', 'md5', 'is none of plain, scram-sha-256, scram-sha-512'],
    ['TOPIC_PARTITIONS', '0', 'is outside 1 to 10000'],
    ['DATABASE_POOL_SIZE', 'many', '"many" is not a whole number from 2 to 1000'],
    ['ETL_RUN_BUDGET_MS', '1e4', 'is not a whole number from 1000 to 86400000'],
    ['BATCH_SIZE', '-1', 'is not a whole number from 1 to 100000'],
    ['BATCH_SIZE', '100.5', 'is not a whole number'],
    ['BATCH_BYTES', '1', 'is outside 65536 to 67108864'],
    ['RATE', '8.5', 'is outside 0 to 1'],
    ['RATE', '8.5%', 'is not a number from 0 to 1'],
    ['RATE', 'NaN', 'is not a number from 0 to 1'],
    ['DEAD_LETTER_MAX_RATIO', '1.01', 'is outside 0 to 1'],
    ['TRANSACTION_MAX_AGE_DAYS', '36501', 'is outside 1 to 36500'],
    ['HTTP_PORT', '65536', 'is outside 0 to 65535'],
    ['LOG_LEVEL', 'loud', 'is none of trace, debug, info, warn, error, fatal, silent'],
    ['PRODUCER_RATE', '0', 'is outside 0.001 to 1000000'],
    ['PRODUCER_LIMIT', '0', 'is outside 1 to'],
    ['PRODUCER_SEED', '4294967296', 'is outside 0 to 4294967295'],
  ] as const)('%s=%s', ([name, value, accepted]) => {
    const said = complaint({ [name]: value })
    expect(said).toContain(`  ${name} `)
    expect(said).toContain(accepted)
  })

  test('a schedule', () => {
    expect(() => checkSchedule('every minute')).toThrow(ConfigError)
    expect(() => checkSchedule('* * * * * 9')).toThrow(
      /ETL_SCHEDULE "\* \* \* \* \* 9" is not a cron expression/,
    )
    expect(() => checkSchedule('*/30 * * * * *')).not.toThrow()
  })
})

test('every bad variable is named at once', () => {
  const said = complaint({ BATCH_SIZE: 'x', RATE: 'y', KAFKA_BROKERS: undefined })
  expect(said.split('\n')).toEqual([
    'Configuration:',
    '  KAFKA_BROKERS is not set',
    '  BATCH_SIZE "x" is not a whole number from 1 to 100000',
    '  RATE "y" is not a number from 0 to 1',
  ])
})

test.for([
  [{ KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SASL_MECHANISM, KAFKA_SASL_PASSWORD not set: SASL needs all'],
  [
    { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' },
    'plain without KAFKA_SSL=true would send the password in the clear',
  ],
  [{ KAFKA_SSL: 'true', KAFKA_SSL_KEY: KEY }, 'KAFKA_SSL_CERT and KAFKA_SSL_KEY make sense together only'],
  [{ KAFKA_SSL_KEY: KEY }, 'KAFKA_SSL_KEY set, but KAFKA_SSL is not true: nothing would be encrypted'],
  [{ TOPIC_MIN_INSYNC: '2' }, 'TOPIC_MIN_INSYNC is above TOPIC_REPLICATION'],
  [{ PRODUCER_MIN_INTERVAL_MS: '3000' }, 'PRODUCER_MIN_INTERVAL_MS is above PRODUCER_MAX_INTERVAL_MS'],
  [{ KAFKA_DLQ_TOPIC: 'transactions' }, 'KAFKA_DLQ_TOPIC is the same as KAFKA_TOPIC'],
] as const)('values that contradict each other are refused: %o', ([env, said]) => {
  expect(complaint(env)).toContain(said)
})

test('a program needs only what its sections have', () => {
  expect(complaint({ DATABASE_URL: undefined, BATCH_SIZE: 'x' }, ['kafka'])).toBe('accepted')
})

test('blank counts as not set', () => {
  expect(readConfig(['etl'], { BATCH_SIZE: '' })).toMatchObject({ BATCH_SIZE: 1_000 })
  expect(complaint({ DATABASE_URL: '' })).toContain('DATABASE_URL is not set')
})

test.for([
  ['DATABASE_URL', 'mysql://u:hunter2@h/db'],
  ['DATABASE_URL', 'postgres://u:hunter2@h:port/db'],
  ['DATABASE_URL', 'hunter2'],
  ['MIGRATION_DATABASE_URL', 'u:hunter2@h/db'],
] as const)('the text of a secret is not in the message: %s', ([name, value]) => {
  const said = complaint({ [name]: value })
  expect(said).toContain(`  ${name} is not a Postgres URL such as postgres://`)
  expect(said).not.toContain('hunter2')
})

test.for(['KAFKA_SSL_CA', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY'])('%s is PEM, and is not quoted', (name) => {
  const said = complaint({ KAFKA_SSL: 'true', [name]: '/etc/hunter2.pem' })
  expect(said).toMatch(new RegExp(`${name} is not a .* in PEM .* the same variable with _FILE at its end`))
  expect(said).not.toContain('hunter2')
})

describe('from files', () => {
  let folder: string
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pulse-config-'))))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  test('NAME_FILE names the file that holds NAME', () => {
    const env = { DATABASE_URL_FILE: file('url', 'postgres://u:secret@h/db\n') }
    expect(readConfig(['database'], env)).toMatchObject({ DATABASE_URL: 'postgres://u:secret@h/db' })
  })

  test('the variable itself stands above its file', () => {
    const env = { BATCH_SIZE: '7', BATCH_SIZE_FILE: file('size', '8') }
    expect(readConfig(['etl'], env)).toMatchObject({ BATCH_SIZE: 7 })
  })

  test('an empty file counts as not set', () => {
    const env = { KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: file('ca', '\n') }
    expect(complaint(env)).toBe('accepted')
  })

  test('a file that is not there is named', () => {
    const missing = join(folder, 'missing')
    expect(complaint({ DATABASE_URL: undefined, DATABASE_URL_FILE: missing })).toContain(
      `DATABASE_URL_FILE: ENOENT on reading ${missing}`,
    )
  })

  test('a bad secret from a file is not in the message', () => {
    expect(complaint({ DATABASE_URL: undefined, DATABASE_URL_FILE: file('bad', 'hunter2') })).not.toContain(
      'hunter2',
    )
  })
})

test('.env.example names every variable once, with its default or blank', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
  const lines = [...text.matchAll(/^([A-Z][A-Z0-9_]+)="?(.*?)"?$/gm)].map(([, name, value]) => [
    name!,
    value!,
  ])
  const names = lines.map(([name]) => name)
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  expect(VARIABLES.filter((name) => !names.includes(name))).toEqual([])

  const example = Object.fromEntries(lines)
  expect(readConfig(SECTIONS, { ...example, ...REQUIRED }, OF_STREAMS)).toEqual(
    readConfig(SECTIONS, REQUIRED, OF_STREAMS),
  )
})

test('docs/CONFIGURATION.md describes every variable', () => {
  const page = readFileSync(new URL('../../docs/CONFIGURATION.md', import.meta.url), 'utf8')
  expect(VARIABLES.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})
