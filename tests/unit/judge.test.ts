import { expect, test } from 'vitest'
import { validate, type Before } from '../../etl/job/validate.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import type { Validate } from '../../etl/stream/contract.ts'

/** What the job makes of what a stream says of its records, before anything is loaded. */

/** A stream whose messages say by themselves what they are: `row a` of the writer a, `skip`, `stop`, `bad`. */
const says: Validate = (record) => {
  const [what, writer] = record.value!.toString().split(' ')
  if (what === 'skip') return { record, skip: 'a heartbeat' }
  if (what === 'stop') return { record, stop: 'truncated', reason: 'emptied' }
  if (what === 'bad') return { record, code: 'schema_violation', issues: [] }
  return { record, row: {}, ...(writer !== undefined && { writer }) }
}

const records = (...values: string[]): SourceRecord[] =>
  values.map((value, i) => ({
    offset: 10 + i,
    timestamp: 0,
    key: null,
    value: Buffer.from(value),
    headers: [],
  }))

const offsets = (of: readonly { record: SourceRecord }[]) => of.map(({ record }) => record.offset)

function judged(values: readonly string[], before?: Before) {
  const { valid, rejected, skipped, writer, stop } = validate(
    records(...values),
    { stream: { validate: says }, maxAgeDays: 1 },
    before,
  )
  return {
    valid: offsets(valid),
    rejected: offsets(rejected),
    skipped: offsets(skipped),
    ...(writer !== undefined && { writer }),
    ...(stop !== undefined && { stop: [stop.record.offset, stop.stop] }),
  }
}

const FRESH: Before = { passedOffset: null, writer: null }

test('each record is valid, rejected or skipped', () => {
  expect(judged(['row', 'skip', 'bad', 'row'], FRESH)).toEqual({
    valid: [10, 13],
    rejected: [12],
    skipped: [11],
  })
})

test('a record that stops ends the list, and one that an operator let pass is skipped', () => {
  const values = ['row', 'stop', 'row', 'stop']
  expect(judged(values, FRESH)).toEqual({ valid: [10], rejected: [], skipped: [], stop: [11, 'truncated'] })
  expect(judged(values, { ...FRESH, passedOffset: 11 })).toEqual({
    valid: [10, 12],
    rejected: [],
    skipped: [11],
    stop: [13, 'truncated'],
  })
  // Looked at again, after it was loaded: nothing stops.
  expect(judged(values)).toEqual({ valid: [10, 12], rejected: [], skipped: [11, 13] })
})

test('another writer than before stops; the first one, and records without one, do not', () => {
  const values = ['row a', 'row', 'skip', 'row a', 'row b']
  const untilB = { valid: [10, 11, 13], rejected: [], skipped: [12], writer: 'a' }
  expect(judged(values, FRESH)).toEqual({ ...untilB, stop: [14, 'another_writer'] })
  expect(judged(values, { ...FRESH, writer: 'b' })).toMatchObject({
    valid: [],
    stop: [10, 'another_writer'],
  })
  expect(judged(values)).toEqual({ valid: [10, 11, 13, 14], rejected: [], skipped: [12], writer: 'b' })
  expect(
    validate(records('row b'), { stream: { validate: says }, maxAgeDays: 1 }, { ...FRESH, writer: 'a' }).stop,
  ).toMatchObject({ reason: 'the record at offset 10 is of the source "b", those before it are of "a"' })
})

test('a record that was sent again by an operator says nothing of who writes', () => {
  const [old, now] = records('row a', 'row b')
  const redriven = { ...old!, headers: [{ key: 'redrive-of', value: Buffer.from('t:0:1') }] }
  const rules = { stream: { validate: says }, maxAgeDays: 1 }
  const { valid, writer, stop } = validate([redriven, now!], rules, { ...FRESH, writer: 'b' })
  expect({ valid: offsets(valid), writer, stop }).toEqual({ valid: [10, 11], writer: 'b', stop: undefined })
})
