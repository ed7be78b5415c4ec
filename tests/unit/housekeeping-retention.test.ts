import { describe, expect, test } from 'vitest'
import type { Days } from '../../etl/stream/definition.ts'
import { readConfig } from '../../etl/process/config.ts'
import { acceptedAgeDays, keepsTooShort, keptDays, keyAgeDays } from '../../etl/housekeeping/retention.ts'

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

describe('what a declaration says of age', () => {
  const topic = {
    'cleanup.policy': 'delete',
    'retention.ms': '259200000', // 3 days
    'segment.ms': '86400000',
    'message.timestamp.type': 'LogAppendTime',
  }
  const config = readConfig(['etl', 'housekeeping'], { RETENTION_DAYS: '400' })

  test('goes before the settings, which are for streams that say nothing', () => {
    expect(acceptedAgeDays(config, { maxAge: '30 days' })).toBe(30)
    expect(acceptedAgeDays(config, {})).toBe(400)
    expect(keptDays(config, { maxAge: '30 days', keep: '90 days' })).toBe(90)
    expect(keptDays(config, { maxAge: '30 days' })).toBeUndefined()
    expect(keptDays(config, {})).toBe(400)
  })

  test.for<[Days, string, object, RegExp]>([
    ['35 days', 'as long as needed', {}, /^all is well$/],
    ['34 days', 'a day less', {}, /keep is 34 days, but maxAge \(30 days\) .* need 35 days/],
    ['90 days', 'a compacted topic', { 'cleanup.policy': 'compact' }, /may bring any of its records again/],
    ['90 days', 'no limit', { 'retention.ms': '-1' }, /may bring any/],
    ['90 days', 'the producers’ time', { 'message.timestamp.type': 'CreateTime' }, /may bring any/],
  ])('keep of %s, %s', ([keep, , changes, said]) => {
    const problem = keepsTooShort({ maxAge: '30 days', keep }, { ...topic, ...changes })
    expect(problem ?? 'all is well').toMatch(said)
  })
})
