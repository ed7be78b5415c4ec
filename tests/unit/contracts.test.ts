import { fileURLToPath } from 'node:url'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createEncoder } from '../../producer/encode.ts'
import { createRandom } from '../../producer/random.ts'
import { changesBetween, inWords, isDangerous } from '../../scripts/contracts/compare.ts'
import { contractOf } from '../../scripts/contracts/describe.ts'
import {
  changesOf,
  ContractRefused,
  outdated,
  requireHarmless,
  writeContracts,
} from '../../scripts/contracts/files.ts'
import { pageOf } from '../../scripts/contracts/page.ts'
import { defineStream } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import type { Fields, Row } from '../../etl/stream/field.ts'
import {
  count,
  currencyCode,
  decimal,
  flag,
  header,
  instant,
  int,
  key,
  list,
  money,
  oneOf,
  text,
  uuid,
} from '../../etl/stream/words.ts'
import { streams } from '../../streams/index.ts'
import { visits as ofTests } from '../support/streams/visits.ts'
import { WORDS } from '../support/words.ts'

test.each(streams.map((stream) => [stream.name, stream] as const))(
  'the committed contract and page of %s are as it is declared',
  (_, stream) => {
    // What a change does is said here; then: npm run generate-contracts
    expect(changesOf(stream).map(inWords)).toEqual([])
    expect(outdated(stream)).toEqual([])
  },
)

const fields = {
  visit_id: uuid(),
  at: instant(),
  page: text(50),
  kind: oneOf(['view', 'search']),
  seconds: int({ min: 0, max: 100 }).optional(),
  amount: money(),
  rate: decimal({ digits: 9, scale: 3 }),
  tags: list(text(10)),
  currency: currencyCode(),
  session: text(20, { at: key() }),
  city: text(20, { at: 'address.city', personal: true }).optional(),
}
const LATER = { since: new Date(0), field: 'page', accepted: 'a path', accepts: () => true }
const visitsOf = (changed: Fields = {}, rest: Readonly<Record<string, unknown>> = {}): Definition =>
  defineStream('visits', {
    title: 'visit',
    topic: { key: 'page' },
    fields: { ...fields, ...changed },
    eventTime: 'at',
    partitionBy: 'month',
    identity: { once: 'visit_id', scope: 'event_time' },
    ...rest,
  } as never)
const without = (field: string): Definition => {
  const { [field]: _, ...others } = fields as Fields
  return { ...visitsOf(), fields: others }
}
const visits = visitsOf()

test.each<[what: string, changed: Definition, said: string[]]>([
  ['nothing', visitsOf(), []],
  ['a longer text', visitsOf({ page: text(60) }), ['widens: page has maxLength 60, no longer 50']],
  ['a shorter text', visitsOf({ page: text(40) }), ['narrows: page has maxLength 40, no longer 50']],
  ['one value more', visitsOf({ kind: oneOf(['view', 'search', 'buy']) }), ['widens: kind takes also buy']],
  ['one value less', visitsOf({ kind: oneOf(['view']) }), ['narrows: kind takes no longer search']],
  [
    'another range',
    visitsOf({ seconds: int({ min: -1, max: 99 }).optional() }),
    [
      'narrows: seconds has maximum 99, no longer 100',
      'widens: seconds takes what is at least -1, no longer at least 0',
    ],
  ],
  ['strings too', visitsOf({ amount: money({ text: true }) }), ['widens: amount takes also string']],
  [
    'refunds too',
    visitsOf({ amount: money({ min: -5 }) }),
    ['widens: amount takes what is at least -5, no longer above 0'],
  ],
  [
    'decimals in the place of digits',
    visitsOf({ rate: decimal({ digits: 9, scale: 4 }) }),
    [
      'widens: rate has x-decimals 4, no longer 3',
      'narrows: rate takes 5 digits before the point, no longer 6',
    ],
  ],
  [
    'shorter elements',
    visitsOf({ tags: list(text(9)) }),
    ['narrows: tags of each element: has maxLength 9, no longer 10'],
  ],
  ['another word', visitsOf({ amount: int() }), ['breaks: amount is int, no longer money']],
  [
    'must be there',
    visitsOf({ seconds: int({ min: 0, max: 100 }) }),
    ['narrows: seconds is required, no longer optional'],
  ],
  [
    'may be missing',
    visitsOf({ page: text(50).optional() }),
    ['widens: page is optional, no longer required'],
  ],
  [
    'another value where it is missing',
    visitsOf({ seconds: int({ min: 0, max: 100 }).default(1) }),
    ['breaks: seconds is 1 where it is missing, no longer optional'],
  ],
  [
    'another place',
    visitsOf({ page: text(50, { at: 'url' }) }),
    ['breaks: page stands in url, no longer in page'],
  ],
  [
    'another header',
    visitsOf({ session: text(20, { at: header('s') }) }),
    ['breaks: session stands in the header s, no longer in the key'],
  ],
  [
    'shorter in the key',
    visitsOf({ session: text(19, { at: key() }) }),
    ['narrows: session has maxLength 19, no longer 20'],
  ],
  [
    'another column',
    visitsOf({ page: text(50, { column: 'url' }) }),
    ['breaks: page is in the column url, no longer in page'],
  ],
  [
    'no longer personal',
    visitsOf({ city: text(20, { at: 'address.city' }).optional() }),
    ['changes: city is personal no longer'],
  ],
  ['a field that may be missing', visitsOf({ new: flag().optional() }), ['widens: new is new']],
  [
    'a field that must be there',
    visitsOf({ new: flag() }),
    [expect.stringMatching(/^narrows: new is new and must be there/) as string],
  ],
  ['a field less', without('tags'), ['breaks: tags is no longer read, and its column no longer filled']],
  [
    'another identity',
    visitsOf({}, { identity: { once: 'page', scope: 'event_time' } }),
    [expect.stringMatching(/^breaks: identity is /) as string],
  ],
  [
    'a later rule',
    visitsOf({}, { laterRules: [LATER] }),
    ['changes: from 1970-01-01T00:00:00.000Z on page must be a path'],
  ],
  [
    'a rollup',
    visitsOf({}, { rollups: { by_hour: { every: 'hour', by: [], measures: { n: count() } } } }),
    [expect.stringMatching(/^changes: rollups/) as string],
  ],
  ['another title', visitsOf({}, { title: 'view' }), ['changes: titles, units or descriptions']],
])('%s: what the change does is said', (_, changed, said) => {
  const changes = changesBetween(contractOf(visits), contractOf(changed))
  expect(changes.map((change) => inWords(change).split('\n')[0])).toEqual(said)
})

test('a later rule that is gone breaks what it decided', () => {
  const [change] = changesBetween(contractOf(visitsOf({}, { laterRules: [LATER] })), contractOf(visits))
  expect(change).toMatchObject({ effect: 'breaks' })
})

const aRoot = (): URL => {
  const folder = mkdtempSync(join(tmpdir(), 'contracts-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return pathToFileURL(`${folder}/`)
}

describe('writing them', () => {
  test('makes what is missing, once, and says what changes', () => {
    const root = aRoot()
    const files = ['contracts/visits.json', 'docs/streams/visits.md'].map(
      (path) => `Written: ${fileURLToPath(new URL(path, root))}`,
    )
    expect(writeContracts([visits], root)).toEqual(files)
    expect(writeContracts([visits], root)).toEqual([])
    expect(outdated(visits, root)).toEqual([])
    const wider = visitsOf({ page: text(60) })
    expect(outdated(wider, root)).toEqual(['contracts/visits.json', 'docs/streams/visits.md'])
    requireHarmless([wider], root)
    expect(writeContracts([wider], root)).toEqual([expect.stringMatching(/^visits: widens: /), ...files])
  })

  test('refuses what narrows or breaks, with each of the changes and what to do', () => {
    const root = aRoot()
    writeContracts([visits], root)
    const refused = () => requireHarmless([visitsOf({ page: text(40), amount: int() })], root)
    expect(refused).toThrow(ContractRefused)
    expect(refused).toThrow(
      /visits: narrows: page has maxLength 40, no longer 50\n.* a later rule with a `since`\n.*breaks: amount is int/s,
    )
  })
})

describe('the JSON Schema', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })

  test.each(Object.entries(WORDS))('of %s takes what the word takes', (_, { kind }) => {
    const validate = ajv.compile(kind.schema)
    const random = createRandom(3)
    for (let n = 0; n < 50; n++) {
      const written: unknown = JSON.parse(kind.write(kind.sample(random, Date.now())))
      expect([written, validate(written), validate.errors]).toEqual([written, true, null])
    }
  })

  test('of a message takes messages, and refuses what lacks a field or has a wrong one', () => {
    for (const stream of [ofTests, visits]) {
      const validate = ajv.compile(contractOf(stream))
      const random = createRandom(5)
      const encoder = createEncoder(stream)
      const row: Row = Object.fromEntries(
        Object.entries(stream.fields).map(([name, { kind }]) => [name, kind.sample(random, Date.now())]),
      )
      const message = JSON.parse(encoder.text(row)) as Record<string, unknown>
      expect([validate(message), validate.errors]).toEqual([true, null])
      expect(validate({ ...message, page: undefined, at: 5 })).toBe(false)
      const wrong = JSON.parse(encoder.text(row, { page: undefined })) as Record<string, unknown>
      expect(validate(wrong)).toBe(false)
      expect(validate({ ...message, page: 5 })).toBe(false)
      expect(validate({ ...message, seconds: null })).toBe(true)
    }
  })
})

test('a page says of each field what it takes, where it stands and where it goes', () => {
  const page = pageOf(visits)
  expect(page).toContain('| `address.city` as `city` (personal) | text of 1 to 20 characters')
  expect(page).toContain('| `the key` as `session` |')
  expect(page).toContain('`visit_id` is unique together with `at`')
  expect(page).toContain('| null | `seconds` bigint | a number |')
  expect(readFileSync(new URL('../../docs/streams/transactions.md', import.meta.url), 'utf8')).toContain(
    '`order_id` is unique in the whole warehouse',
  )
})

test('what narrows or breaks is dangerous, and nothing else', () => {
  const effects = ['breaks', 'narrows', 'widens', 'changes'] as const
  expect(effects.filter((effect) => isDangerous({ effect, sentence: '' }))).toEqual(['breaks', 'narrows'])
})
