import { describe, expect, test } from 'vitest'
import {
  checkEnvironment,
  chooseNames,
  programEnvironment,
  readSeconds,
} from '../../scripts/demo/settings.ts'

const SERVERS = {
  kafkaBrokers: 'broker:9092',
  databaseUrl: 'postgres://me:secret@host/postgres?sslmode=disable',
}
const given = { ...SERVERS, mode: 'given' as const }
const local = { ...SERVERS, mode: 'local' as const }

test.each([
  [undefined, 60],
  ['', 60],
  ['0', 0],
  ['90', 90],
])('DEMO_SECONDS %j is %d', (text, seconds) => {
  expect(readSeconds({ DEMO_SECONDS: text })).toBe(seconds)
})

test.each(['-1', '1.5', '1e3', 'soon', ' 5', '99999999999'])('DEMO_SECONDS %j is refused by name', (text) => {
  expect(() => readSeconds({ DEMO_SECONDS: text })).toThrow(
    /^Configuration:\n {2}DEMO_SECONDS ".+" is not a whole number from 0 \(until Ctrl-C\) to 2000000$/,
  )
})

describe('the environment of the programs', () => {
  test('names the servers, and on given ones things that nobody else has', () => {
    const env = programEnvironment({}, given, chooseNames('given', '12ab'))
    expect(env).toMatchObject({
      KAFKA_BROKERS: 'broker:9092',
      KAFKA_TOPIC: 'pulse-demo-12ab',
      KAFKA_DLQ_TOPIC: 'pulse-demo-12ab.dlq',
      KAFKA_GROUP_ID: 'pulse-demo-12ab',
      DATABASE_URL: 'postgres://me:secret@host/pulse_demo_12ab?sslmode=disable',
      HTTP_PORT: '0',
    })
  })

  test('has the usual names on servers of our own', () => {
    const env = programEnvironment({}, local, chooseNames('local', '12ab'))
    for (const name of ['KAFKA_TOPIC', 'KAFKA_GROUP_ID', 'STREAMS']) expect(env).not.toHaveProperty(name)
    expect(env['DATABASE_URL']).toContain('host/pulse?')
  })

  test('keeps what the user sets for the trade, and blank counts as not set', () => {
    const env = programEnvironment(
      { PRODUCER_RATE: '5', PRODUCER_INVALID_RATIO: '' },
      local,
      chooseNames('local', ''),
    )
    expect(env).toMatchObject({ PRODUCER_RATE: '5', PRODUCER_INVALID_RATIO: '0.03' })
  })

  test('leaves out what would lead elsewhere or end the producer early', () => {
    const meant = {
      MIGRATION_DATABASE_URL: 'postgres://elsewhere/db',
      PRODUCER_SEED: '1',
      PRODUCER_SEED_FILE: '/run/seed',
      PRODUCER_LIMIT: '10',
      ETL_SCHEDULE: '0 0 * * * *',
    }
    const env = programEnvironment(meant, given, chooseNames('given', ''))
    for (const name of ['MIGRATION_DATABASE_URL', 'PRODUCER_SEED', 'PRODUCER_SEED_FILE', 'PRODUCER_LIMIT'])
      expect(env).not.toHaveProperty(name)
    expect(env['ETL_SCHEDULE']).toBe('*/5 * * * * *')
  })

  test('how to log in to a given Kafka is not for one of our own', () => {
    const login = { KAFKA_SSL: 'true', TOPIC_REPLICATION: '3' }
    expect(programEnvironment(login, given, chooseNames('given', ''))).toMatchObject(login)
    expect(programEnvironment(login, local, chooseNames('local', ''))).not.toMatchObject(login)
  })

  test('a wrong one is refused before any server is started', () => {
    expect(() => checkEnvironment({ PRODUCER_RATE: 'fast', BATCH_SIZE: '0' })).toThrow(
      /PRODUCER_RATE "fast"|BATCH_SIZE "0"/,
    )
  })
})
