import { expect, test } from 'vitest'
import { BadSetting, readSettings } from '../faults/storm/settings.ts'

test('a storm is of 1000 faults, without a limit in time', () => {
  expect(readSettings({})).toMatchObject({ kills: 1_000, minutes: undefined, seed: undefined })
  expect(readSettings({ KILLS: '' })).toEqual(readSettings({}))
})

test('what is set is taken', () => {
  const set = { KILLS: '15', MINUTES: '3', STORM_SEED: '4294967295', STORM_DIR: '/somewhere' }
  expect(readSettings(set)).toMatchObject({
    kills: 15,
    minutes: 3,
    seed: 4_294_967_295,
    directory: '/somewhere',
  })
})

test('its records are of the first stream that happens once and the first of versions, or of those that are named', () => {
  const { streams: both } = readSettings({})
  const kinds = both.map(({ identity }) => identity.latest === undefined)
  expect(kinds).toEqual([...new Set(kinds)])
  const last = both.at(-1)!
  expect(readSettings({ STORM_STREAMS: last.name }).streams).toEqual([last])
  expect(() => readSettings({ STORM_STREAMS: `${last.name}, none` })).toThrow(
    new RegExp(`STORM_STREAMS names "none"; it may name .*${last.name}`),
  )
})

test.for([
  ['KILLS', '0', 'from 1 to 1000000'],
  ['KILLS', 'many', 'from 1 to 1000000'],
  ['KILLS', '1e3', 'from 1 to 1000000'],
  ['MINUTES', '-1', 'from 1 to 10080'],
  ['STORM_SEED', '4294967296', 'from 0 to 4294967295'],
] as const)('%s %s is refused by name, with what is accepted', ([name, value, accepted]) => {
  const read = () => readSettings({ [name]: value })
  expect(read).toThrow(BadSetting)
  expect(read).toThrow(`${name} "${value}" is not a whole number ${accepted}`)
})
