import { describe, expect, test } from 'vitest'
import { messages, RECENT_ORDERS, type Message, type MessageOptions } from '../../producer/messages.ts'
import type { Row } from '../../etl/stream/field.ts'
import { stream as installed } from '../support/stream.ts'

const START = Date.UTC(2026, 10, 21, 12)

/** A clock that moves on by a millisecond with each look. */
function aClock(): () => number {
  let time = START
  return () => time++
}

function take(count: number, options: Partial<MessageOptions> = {}): Message[] {
  const stream = messages({ seed: 1, now: aClock(), invalidRatio: 0, duplicateRatio: 0, ...options })
  return Array.from({ length: count }, () => stream.next().value)
}

const outcomeOf = ({ key, value }: Message) =>
  installed.validate({ offset: 0, timestamp: START, key: Buffer.from(key), value, headers: [] }, 1_095)

/** What a message says, as the ETL reads it. */
function rowOf(message: Message): Row {
  const outcome = outcomeOf(message)
  if ('row' in outcome) return outcome.row
  throw new Error(JSON.stringify(outcome))
}

const identityOf = (message: Message) => installed.identity.of(rowOf(message))

/** Of what it says that which has no time in it. */
const essence = (run: Message[]) =>
  run.map((message) =>
    Object.entries(rowOf(message)).filter(([name]) => {
      const { kind } = installed.definition.fields[name]!
      return kind.name !== 'instant' && kind.name !== 'day' && kind.name !== 'uuid'
    }),
  )

describe('a run with a seed', () => {
  const faulty = { invalidRatio: 0.1, duplicateRatio: 0.1 }

  test('is the same run again, to the byte, with the same clock', () => {
    expect(JSON.stringify(take(5_000, faulty))).toBe(JSON.stringify(take(5_000, faulty)))
  })

  test('is the same but for ids and times with another clock', () => {
    const later = take(1_000, { now: () => START + 86_400_000 })
    expect(essence(later)).toEqual(essence(take(1_000)))
  })

  test('makes other records when it is repeated, so that nothing conflicts', () => {
    const first = new Set(take(5_000).map(identityOf))
    const second = take(5_000, { now: () => START + 86_400_000 })
    expect(second.filter((message) => first.has(identityOf(message)))).toEqual([])
  })

  test('is another run with another seed', () => {
    expect(rowOf(take(1, { seed: 2 })[0]!)).not.toEqual(rowOf(take(1)[0]!))
  })
})

describe('the mix of records', () => {
  test('is all valid without shares', () => {
    expect(take(20_000).every((message) => message.kind === 'valid')).toBe(true)
  })

  test('has the shares that were asked for', () => {
    const run = take(20_000, { invalidRatio: 0.05, duplicateRatio: 0.2 })
    const share = (kind: string) => run.filter((message) => message.kind === kind).length / run.length
    expect(Math.abs(share('invalid') - 0.05)).toBeLessThan(0.01)
    expect(Math.abs(share('duplicate') - 0.15)).toBeLessThan(0.015)
    expect(Math.abs(share('conflicting') - 0.05)).toBeLessThan(0.01)
    expect(Math.abs(share('valid') - 0.75)).toBeLessThan(0.015)
  })

  test('may be all invalid', () => {
    expect(take(1_000, { invalidRatio: 1 }).every((message) => message.kind === 'invalid')).toBe(true)
  })

  test('repeats one record for ever when all are to be duplicates', () => {
    const [first, ...rest] = take(1_000, { duplicateRatio: 1 })
    expect(first!.kind).toBe('valid')
    expect(rest.every((message) => message.detail === first!.detail)).toBe(true)
  })

  test('may not have shares that exceed the whole', () => {
    expect(() => take(1, { invalidRatio: 0.6, duplicateRatio: 0.5 })).toThrow(RangeError)
  })
})

describe('duplicates', () => {
  const run = take(50_000, { invalidRatio: 0.05, duplicateRatio: 0.3 })
  const originals = new Map<string, { message: Message; place: number }>()
  const repeats: { message: Message; original: Message; validSince: number }[] = []
  for (const message of run) {
    if (message.kind === 'valid') originals.set(identityOf(message), { message, place: originals.size })
    if (message.kind !== 'duplicate' && message.kind !== 'conflicting') continue
    const { message: original, place } = originals.get(identityOf(message))!
    repeats.push({ message, original, validSince: originals.size - place })
  }

  const codes = (kind: string) =>
    new Set(repeats.filter(({ message }) => message.kind === kind).map(({ message }) => message.expectedCode))

  test('follow a valid record of which they have the key, so both are in one partition', () => {
    expect(repeats.length).toBeGreaterThan(10_000)
    expect(repeats.every(({ message, original }) => message.key === original.key)).toBe(true)
  })

  test('repeat one of the recent ones, near and far ones', () => {
    const distances = repeats.map(({ validSince }) => validSince)
    expect(Math.max(...distances)).toBeLessThanOrEqual(RECENT_ORDERS)
    expect(Math.max(...distances)).toBeGreaterThan(RECENT_ORDERS * 0.9)
    expect(Math.min(...distances)).toBeLessThan(RECENT_ORDERS * 0.1)
  })

  test('are the same to the byte, or differ in one field that is not what they are known by', () => {
    const known = [...installed.identity.fields, installed.eventTime, installed.definition.topic.key]
    const wrong = repeats.filter(({ message, original }) => {
      if (message.kind === 'duplicate') return !message.value!.equals(original.value!)
      const [row, before] = [rowOf(message), rowOf(original)]
      const changed = Object.keys(row).filter(
        (name) => JSON.stringify(row[name]) !== JSON.stringify(before[name]),
      )
      return changed.length !== 1 || known.includes(changed[0]!)
    })
    expect(wrong).toEqual([])
  })

  test('say what must become of them', () => {
    expect(codes('duplicate')).toEqual(new Set([undefined]))
    expect(codes('conflicting')).toEqual(new Set(['conflicting_duplicate']))
  })
})

describe('held against the ETL’s own validation', () => {
  const run = take(30_000, { invalidRatio: 0.3, duplicateRatio: 0.2 })

  test('everything but an invalid record keeps the contract', () => {
    const refused = run.filter((message) => message.kind !== 'invalid' && 'code' in outcomeOf(message))
    expect(refused).toEqual([])
  })

  test('every invalid record is refused with the code that it names', () => {
    const wrong = run
      .filter((message) => message.kind === 'invalid')
      .map((message) => ({ message, outcome: outcomeOf(message) }))
      .filter(({ message, outcome }) => !('code' in outcome) || outcome.code !== message.expectedCode)
    expect(wrong).toEqual([])
  })

  test('what is read is what was meant: the identity, and the field that is the key', () => {
    const { identity, definition } = installed
    for (const message of run.filter(({ kind }) => kind === 'valid').slice(0, 2_000)) {
      const row = rowOf(message)
      expect([identity.fields.map((field) => row[field]).join(','), row[definition.topic.key]]).toEqual([
        message.detail,
        message.key,
      ])
    }
  })
})
