import { describe, expect, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { acceptedAgeDays, keyAgeDays } from '../../etl/housekeeping/retention.ts'

const age = (env: Record<string, string>) => acceptedAgeDays(readConfig(['etl', 'housekeeping'], env))

describe('how old a transaction may be', () => {
  test('is TRANSACTION_MAX_AGE_DAYS without retention', () => {
    expect(age({})).toBe(1_095)
  })
  test('is not more than what is kept', () => {
    expect(age({ RETENTION_DAYS: '400' })).toBe(400)
    expect(age({ RETENTION_DAYS: '400', TRANSACTION_MAX_AGE_DAYS: '30' })).toBe(30)
  })
})

describe('how old an order key must be to go', () => {
  const DAY_MS = 86_400_000
  const topic = {
    'cleanup.policy': 'delete',
    'retention.ms': String(7 * DAY_MS),
    'segment.ms': String(2 * DAY_MS),
    'message.timestamp.type': 'LogAppendTime',
  }

  test('older than the facts, by what the log may still hold and a day', () => {
    expect(keyAgeDays(100, topic)).toBe(100 + 7 + 2 + 1)
    expect(keyAgeDays(100, { ...topic, 'retention.ms': '1' })).toBe(100 + 3 + 1)
    expect(keyAgeDays(100, { ...topic, 'cleanup.policy': 'compact,delete' })).toBe(110)
  })

  test.for([
    ['retention is unlimited', { 'retention.ms': '-1' }],
    ['retention is as long as Kafka takes', { 'retention.ms': '9223372036854775807' }],
    ['the topic is only compacted', { 'cleanup.policy': 'compact' }],
    ['records have the producers’ time', { 'message.timestamp.type': 'CreateTime' }],
    ['the broker does not tell the retention', { 'retention.ms': undefined }],
    ['the broker does not tell the segment', { 'segment.ms': undefined }],
  ] as const)('it never goes where %s', ([, settings]) => {
    const all: Record<string, string | undefined> = { ...topic, ...settings }
    const known = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
    expect(keyAgeDays(100, Object.fromEntries(known))).toBeUndefined()
  })
})
