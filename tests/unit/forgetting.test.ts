import { describe, expect, test } from 'vitest'
import { fillableFields } from '../../etl/stream/fillable.ts'
import { personalColumns, personalFields } from '../../etl/stream/personal.ts'
import { compileRecordKey, parseRecordKey } from '../../etl/stream/record-key.ts'
import { aRecordOf } from '../support/messages.ts'
import { calls } from '../support/streams/calls.ts'
import { members } from '../support/streams/members.ts'
import { scans } from '../support/streams/scans.ts'
import { stays } from '../support/streams/stays.ts'

describe('what is personal', () => {
  test('is of the history and of the current rows, also where it is derived', () => {
    expect(personalFields(members)).toEqual(['name', 'email', 'born', 'credit', 'greeting'])
    expect(personalColumns(members).map(({ table, column, marker }) => [table, column, marker])).toEqual(
      ['members_history', 'members'].flatMap((table) => [
        [table, 'full_name', 'forgotten'],
        [table, 'email', null],
        [table, 'born', '1970-01-01'],
        [table, 'credit', '0'],
        [table, 'greeting', 'forgotten'],
      ]),
    )
  })

  test('is of lines by their fields, or all of them', () => {
    const ofLines = personalColumns(stays).filter(({ table }) => table !== 'stays')
    expect(ofLines).toEqual([
      { table: 'stays_others', column: 'name', marker: 'forgotten' },
      { table: 'stays_children', column: 'name', marker: 'forgotten' },
      { table: 'stays_children', column: 'age', marker: '0' },
    ])
    expect(personalFields(stays)).toContain('others')
  })
})

const read = (value: object | string | null, key: string | null = null) =>
  compileRecordKey(members)(aRecordOf(value, { key: key === null ? null : Buffer.from(key) }))
const readScan = (value: object) => compileRecordKey(scans)(aRecordOf(value, { key: Buffer.from('b9') }))

describe('whose a record is', () => {
  const [said, byMessageKey] = [undefined, undefined]

  test('it says itself, whatever else is wrong with it, or its message key does', () => {
    expect(read({ member_id: 'a', tier: 'none' }, 'z')).toEqual({ said: ['a'], byMessageKey: ['a'] })
    expect(read('{"member_id": "a', 'z')).toEqual({ said, byMessageKey: ['z'] })
    expect(read({ member_id: 17 }, 'z')).toEqual({ said, byMessageKey: ['z'] })
    expect(read({ member_id: 17 })).toEqual({ said, byMessageKey })
    expect(read(null, 'z')).toEqual({ said, byMessageKey: ['z'] })
  })

  test('needs all parts of an identity', () => {
    expect(readScan({ badge: 'b1', door: 1 })).toEqual({ said: ['b1', 1], byMessageKey: ['b1', 1] })
    expect(readScan({ door: 1 })).toEqual({ said, byMessageKey: ['b9', 1] })
    expect(readScan({ badge: 'b1' })).toEqual({ said, byMessageKey })
  })

  test('is typed as its value, or as a JSON array', () => {
    expect(parseRecordKey(members, 'a b')).toEqual(['a b'])
    expect(parseRecordKey(members, '')).toContain('member_id')
    expect(parseRecordKey(stays, '3F2B8C1E-9A4D-4E6B-8F10-2C5D7A9B1E34')).toEqual([
      '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34',
    ])
    expect(parseRecordKey(scans, '["b1", 17]')).toEqual(['b1', 17])
    expect(parseRecordKey(scans, '["b1", "17"]')).toEqual(['b1', 17])
    for (const wrong of ['b1', '["b1"]', '{"badge": "b1", "door": 1}', '["b1", 1.5]', '["", 1]'])
      expect(typeof parseRecordKey(scans, wrong)).toBe('string')
  })
})

test('what can be filled is optional, and neither key nor cell', () => {
  expect(fillableFields(calls)).toEqual(['agent', 'fee', 'is_paid', 'parts'])
  expect(fillableFields(members)).toEqual(['email'])
  const { rollups } = calls
  const byAgent = { calls_by_hour: { ...rollups!['calls_by_hour']!, by: ['agent'] } }
  expect(fillableFields({ ...calls, rollups: byAgent })).toEqual(['fee', 'is_paid', 'parts'])
})
