import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { createEncoder } from '../../producer/encode.ts'
import { invalidKinds } from '../../producer/invalid.ts'
import { createRandom } from '../../producer/random.ts'
import { changesBetween, inWords } from '../../scripts/contracts/compare.ts'
import { contractOf } from '../../scripts/contracts/describe.ts'
import { pageOf } from '../../scripts/contracts/page.ts'
import { compileContract } from '../../etl/stream/contract.ts'
import { defineStream } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import type { Row } from '../../etl/stream/field.ts'
import { instant, int, money, rows, text } from '../../etl/stream/words.ts'
import { aRecord, KAFKA_TIME } from '../support/messages.ts'
import { baskets } from '../support/basket.ts'

const validate = compileContract(baskets)
const ID = '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34'
const message = (items: string, rest = '') =>
  `{"order":{"id":"${ID}"},"at":"2026-11-21T09:59:00Z","customer":"c","currency":"EUR","items":${items}${rest}}`
const outcomeOf = (value: string) => validate(aRecord({ value: Buffer.from(value) }), 1_095)
const issuesOf = (value: string) => {
  const outcome = outcomeOf(value)
  return 'issues' in outcome ? outcome.issues.map(({ message: said }) => said) : []
}
const line = (price: string, rest = '') => `{"product":{"sku":"a","price":${price}},"quantity":2${rest}}`

const many = (one: string) => `[${Array<string>(1_200).fill(one).join()}]`

const read = (items: string) => {
  const outcome = outcomeOf(message(items))
  return 'row' in outcome ? (outcome.row['items'] as object) : {}
}

describe('lines', () => {
  test('are rows in code, with what is missing, and amounts of their own or the record’s currency', () => {
    const written = message(
      `[${line('12.5')},${line('1', ',"kind":"toy","is_gift":true,"tags":["x"],"other":1')}]`,
      ',"discounts":[{"code":"X","currency":"JPY","amount":100}]',
    )
    expect(outcomeOf(written)).toMatchObject({
      row: {
        items: [
          {
            sku: 'a',
            quantity: 2,
            price: { minor: 1250, exponent: 2, currency: 'EUR' },
            is_gift: false,
            kind: null,
          },
          { price: { minor: 100, exponent: 2, currency: 'EUR' }, kind: 'toy', is_gift: true, tags: ['x'] },
        ],
        discounts: [{ code: 'X', currency: 'JPY', amount: { minor: 100, exponent: 0, currency: 'JPY' } }],
      },
    })
    expect(outcomeOf(message('[]'))).toMatchObject({ row: { items: [], discounts: null } })
  })

  test.each([
    ['null', ['items is null; it must be a list of at most 1200 objects']],
    ['{}', ['items is an object; it must be a list of at most 1200 objects']],
    [
      `[${line('1')},7,null]`,
      ['items[1] is 7; it must be an object', 'items[2] is null; it must be an object'],
    ],
    [
      `[${line('1')},${line('12.345')}]`,
      ['items[1].product.price is 12.345; it must have at most 2 decimals, as EUR has'],
    ],
    [
      `[${line('"x"').replace('2', '0')}]`,
      [
        'items[0].quantity is 0; it must be a whole number from 1 to 1000',
        expect.stringMatching(/^items\[0\]\.product\.price is "x"; it must be /),
      ],
    ],
    [
      `[{"quantity":1}]`,
      [
        expect.stringMatching(/^items\[0\]\.product\.sku is missing; /),
        expect.stringMatching(/^items\[0\]\.product\.price is missing; /),
      ],
    ],
    [
      `[${Array<string>(1_201).fill('1').join()}]`,
      ['items is a list of 1201; it must be a list of at most 1200 objects'],
    ],
  ])('%s: one bad line is told by its place', (items, said) => {
    expect(issuesOf(message(items))).toEqual(said)
  })

  test('as many as may be are taken, and of many bad ones the first are told', () => {
    expect(outcomeOf(message(many(line('1'))))).toHaveProperty('row')
    expect(issuesOf(message(many('1')))).toHaveLength(10)
    expect(issuesOf(message(many(line('1.234'))))).toHaveLength(20)
  })

  test('have numbers of more than 15 digits exactly where an amount is, and as ever beside it', () => {
    const written = message(`[${line('12345678901234.56', ',"extra":{"n":12345678901234567.25}')}]`)
    expect(outcomeOf(written)).toMatchObject({
      row: {
        items: [
          {
            price: { minor: 1234567890123456, exponent: 2, currency: 'EUR' },
            extra: { n: 12345678901234568 },
          },
        ],
      },
    })
  })

  test('are read as they are written', () => {
    const encoder = createEncoder(baskets)
    const random = createRandom(3)
    for (let n = 0; n < 50; n++) {
      const row: Row = Object.fromEntries(
        Object.entries(baskets.fields).map(([name, { kind }]) => [name, kind.sample(random, KAFKA_TIME)]),
      )
      const outcome = outcomeOf(encoder.text(row))
      expect(outcome).toHaveProperty('row')
      const { kind } = baskets.fields['items']!
      expect('row' in outcome && kind.equal(outcome.row['items'] as object, row['items'] as object)).toBe(
        true,
      )
    }
  })

  test('differ by one value, one line or their order', () => {
    const { kind } = baskets.fields['items']!
    const [one, other] = [line('1'), line('2', ',"tags":[]')]
    const both = read(`[${one},${other}]`)
    expect(kind.equal(both, read(`[${line('1.00')},${other}]`))).toBe(true)
    for (const wrong of [
      `[${one}]`,
      `[${other},${one}]`,
      `[${one},${line('2')}]`,
      `[${one},${other},${one}]`,
    ])
      expect([wrong, kind.equal(both, read(wrong))]).toEqual([wrong, false])
  })
})

test('the producer knows every way to break a line, and each becomes the dead letter that it must', () => {
  const encoder = createEncoder(baskets)
  const random = createRandom(4)
  const row: Row = Object.fromEntries(
    Object.entries(baskets.fields).map(([name, { kind }]) => [name, kind.sample(random, KAFKA_TIME)]),
  )
  const kinds = invalidKinds(baskets, encoder)
  expect(kinds.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining([
      'items_with_quantity_fraction',
      'items_with_sku_missing',
      'items_too_many',
      'items_no_objects',
    ]),
  )
  for (const { kind, expectedCode, make } of kinds) {
    const outcome = validate(aRecord({ value: make(row, random) }), 1_095)
    expect([kind, 'code' in outcome && outcome.code]).toEqual([kind, expectedCode])
  }
})

const visits = (lines: object, options = {}): Definition =>
  defineStream('visits', {
    title: 'visit',
    topic: { key: 'page' },
    fields: { page: text(5), at: instant(), lines: rows(lines as never, options) },
    eventTime: 'at',
    partitionBy: 'month',
    identity: { once: 'page', scope: 'event_time' },
  } as never)

describe('on paper', () => {
  test('the JSON Schema has the lines, each with its fields where they stand', () => {
    const schema = new Ajv2020({ strict: false, validateFormats: false }).compile(contractOf(baskets))
    expect(schema(JSON.parse(message(`[${line('1')}]`)))).toBe(true)
    expect(schema(JSON.parse(message('[{"quantity":1}]')))).toBe(false)
    expect(schema(JSON.parse(message(`[${line('"1"')}]`)))).toBe(false)
  })

  test('what a change to lines does is said', () => {
    const before = contractOf(visits({ n: int({ max: 5 }), price: money() }))
    const after = contractOf(visits({ n: int({ max: 4 }), sku: text(3).optional() }, { max: 500 }))
    expect(changesBetween(before, after).map((change) => inWords(change).split('\n')[0])).toEqual([
      'narrows: lines has maxItems 500, no longer 1000',
      'narrows: lines[].n has maximum 4, no longer 5',
      'widens: lines[].sku is new',
      'breaks: lines[].price is no longer read, and its column no longer filled',
    ])
  })

  test('the page has a table of them', () => {
    expect(pageOf(baskets)).toMatch(
      /## Lines of `items`\n\nOf each basket they are in `warehouse\.baskets_items`/,
    )
    expect(pageOf(baskets)).toContain('| `product.price` as `price` |')
  })
})

test('max is a number of lines that can be', () => {
  for (const max of [0, 1.5, 10_001]) expect(() => rows({ n: int() }, { max })).toThrow('max must be')
})
