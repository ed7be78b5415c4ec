import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { excerpt } from '../../etl/text/excerpt.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import { validate } from '../../etl/job/validate.ts'
import { messages } from '../../producer/messages.ts'
import { aParcelMessage, aParcelRecord, parcels } from '../support/a-parcel.ts'
import { KAFKA_TIME } from '../support/messages.ts'
import { stream as installed } from '../support/stream.ts'

/** Far above what any rule writes, and far below what a dead letter's row would mind. */
const MESSAGE_LIMIT = 800

/**
 * What is wrong with the outcome of a record: there is exactly one, and its issues are such that jsonb, a
 * terminal and a person can take them.
 */
function unsound(record: SourceRecord, stream = parcels): string[] {
  const { valid, rejected } = validate([record], { stream, maxAgeDays: 1_095 })
  const problems: string[] = []
  if (valid.length + rejected.length !== 1) problems.push(`${valid.length + rejected.length} outcomes`)
  if ((valid[0] ?? rejected[0])?.record !== record) problems.push('another record')
  for (const { issues } of rejected) {
    if (issues.length === 0) problems.push('no issue')
    for (const { field, message } of issues) {
      if (message.length > MESSAGE_LIMIT) problems.push(`${message.length} characters`)
      if (/[\p{C}\p{Zl}\p{Zp}]/u.test(message)) problems.push(`unprintable: ${message}`)
      if (!/^[a-z_]*(\[\d+\])?$/.test(field)) problems.push(`field ${field}`)
    }
  }
  return problems
}

/** Strings with everything that hurts: lone surrogates, NUL, control and format characters. */
const hostileText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\0',
      '\ud800',
      '\udfff',
      '\u001b',
      '\u009b',
      '\u202e',
      '\ufeff',
      '\u2028',
      '"',
      '\\',
      '😀',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 120,
})

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.integer({ min: -100, max: 200_000 }).map((cents) => cents / 100),
)

const anything = fc.oneof(hostileText, numbers, fc.boolean(), fc.constant(null), fc.jsonValue())

/** A message of the stream that this installation loads. */
const anInstalledMessage = (): Record<string, unknown> => {
  const run = messages({ seed: 1, now: () => KAFKA_TIME, invalidRatio: 0, duplicateRatio: 0 })
  return JSON.parse(run.next().value.value!.toString()) as Record<string, unknown>
}

describe.each([
  ['of parcels', parcels, aParcelMessage()],
  ['of the installed stream', installed, anInstalledMessage()],
])('validation %s never throws and gives each record exactly one sound outcome', (_, stream, message) => {
  test('that the message itself is valid', () => {
    expect(validate([aParcelRecord(message)], { stream, maxAgeDays: 1_095 }).rejected).toEqual([])
  })

  test('for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(unsound(aParcelRecord(Buffer.from(bytes)), stream)).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })

  test('for a valid message with a byte changed, lost or added', () => {
    const change = fc.record({ at: fc.nat(250), remove: fc.nat(2), insert: fc.uint8Array({ maxLength: 2 }) })
    fc.assert(
      fc.property(change, ({ at, remove, insert }) => {
        const bytes = [...Buffer.from(JSON.stringify(message))]
        bytes.splice(at, remove, ...insert)
        expect(unsound(aParcelRecord(Buffer.from(bytes)), stream)).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })

  test('for arbitrary JSON', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
        expect(unsound(aParcelRecord(json), stream)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  test('for arbitrary values in the fields of the contract', () => {
    const field = fc.constantFrom(...Object.keys(stream.definition.fields))
    fc.assert(
      fc.property(fc.dictionary(field, anything), (fields) => {
        expect(unsound(aParcelRecord({ ...message, ...fields }), stream)).toEqual([])
      }),
      { numRuns: 2_000 },
    )
  })

  test('for arbitrary times of the record and words of a decoder', () => {
    fc.assert(
      fc.property(fc.double(), fc.option(hostileText), (timestamp, undecodable) => {
        const changes = { timestamp, ...(undecodable === null ? {} : { undecodable }) }
        expect(unsound(aParcelRecord(message, changes), stream)).toEqual([])
      }),
    )
  })
})

test('what is accepted is what Postgres can hold', () => {
  const short = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
  const said = fc.record({ fee: numbers, sender: hostileText, depot: short })
  fc.assert(
    fc.property(said, (fields) => {
      const { valid } = validate([aParcelRecord(aParcelMessage(fields))], {
        stream: parcels,
        maxAgeDays: 1_095,
      })
      for (const { row } of valid) {
        const { fee, sender } = row as { fee: number; sender: string }
        expect(fee).toBeGreaterThanOrEqual(1)
        expect(fee).toBeLessThanOrEqual(999_999_999_999)
        expect(fee / 100).toBe(fields.fee)
        expect(sender.isWellFormed()).toBe(true)
        expect(sender).not.toContain('\0')
        expect(Array.from(sender).length).toBeLessThanOrEqual(50)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('each fee of whole cents keeps its cents', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999_999_999 }), (cents) => {
      const whole = String(cents).padStart(3, '0')
      const json = JSON.stringify(aParcelMessage({ fee: 0 })).replace(
        '"fee":0',
        `"fee":${whole.slice(0, -2)}.${whole.slice(-2)}`,
      )
      const { valid } = validate([aParcelRecord(json)], { stream: parcels, maxAgeDays: 1_095 })
      expect(valid[0]?.row['fee']).toBe(cents)
    }),
    { numRuns: 2_000 },
  )
})

describe('an excerpt', () => {
  test.each([
    ['a'.repeat(40), `"${'a'.repeat(40)}"`],
    ['a'.repeat(41), `"${'a'.repeat(40)}…"`],
    ['😀'.repeat(40), `"${'😀'.repeat(40)}"`],
    ['\u001b[31m\u202e', '"\\u{1b}[31m\\u{202e}"'],
  ])('of %j is %s', (value, shown) => {
    expect(excerpt(value)).toBe(shown)
  })
})
