import { expect, test } from 'vitest'
import { PgDialect } from '../../etl/postgres/drizzle.ts'
import { conditionOf, deadLetterFilter } from '../../etl/dead-letters/filter.ts'
import { originOf, parseOrigin } from '../../etl/ledger/dead-letters.ts'

test('a filter is the same from JSON and from an address', () => {
  const since = '2026-03-01T12:00:00Z'
  const filter = { ids: [12], partition: 0, since, state: 'open' }
  expect(deadLetterFilter.parse(filter)).toEqual(filter)
  expect(deadLetterFilter.parse({ ids: '12', partition: '0', since })).toEqual(filter)
  expect(deadLetterFilter.parse({ ids: ['12', '13'] })).toEqual({ ids: [12, 13], state: 'open' })
})

test.for([
  { partition: '' },
  { partition: -1 },
  { partition: 1.5 },
  { partition: 2_147_483_648 },
  { ids: [] },
  { ids: [0] },
  { ids: ['1e3'] },
  { ids: Array.from({ length: 1_001 }, (_, i) => i + 1) },
  { code: 'unknown' },
  { since: 'yesterday' },
  { since: '2026-03-01T12:00:00' },
  { text: '  ' },
  { text: 'a\0b' },
  { state: 'closed' },
  { failures: 'a misspelt name must not mean all' },
])('%o is refused', (filter) => {
  expect(deadLetterFilter.safeParse(filter).success).toBe(false)
})

const statement = (filter: object) =>
  new PgDialect().sqlToQuery(conditionOf('events', deadLetterFilter.parse(filter)))

test('nothing that was typed gets into the statement but as a value', () => {
  const evil = `'; drop table audit.dead_letters; --`
  const { sql, params } = statement({ failure: evil, text: evil, state: 'all' })
  expect(sql).not.toContain('drop')
  expect(new Set(params)).toEqual(new Set(['events', evil]))
  expect(statement({ state: 'all' })).toMatchObject({ params: ['events'] })
})

test.for(['t:0:0', 'a.b-C_1:12:9007199254740991', 't:2147483647:5:2'])(
  '%s is an origin, and is written as it was read',
  (text) => {
    expect(originOf(parseOrigin(text)!)).toBe(text)
  },
)

test.for([
  '',
  't:0',
  't:0:0:1',
  't:0:0:0x2',
  't:00:0',
  't:0:01',
  't:2147483648:0',
  't:0:9007199254740993',
  't:0:0:99999999999',
  't t:0:0',
  ':0:0',
  't:0:0\n',
  't:-1:0',
])('%o is no origin', (text) => {
  expect(parseOrigin(text)).toBeUndefined()
})
