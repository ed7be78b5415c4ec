import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { placeIn } from '../../scripts/new-stream/folder.ts'
import { guessStream, type Told } from '../../scripts/new-stream/guess.ts'
import { guessWord } from '../../scripts/new-stream/guess-word.ts'
import { withoutMisfits } from '../../scripts/new-stream/misfits.ts'
import { renderStream } from '../../scripts/new-stream/render.ts'
import { NoGuess, sampleOfFile, type Sample } from '../../scripts/new-stream/sample.ts'
import { compile } from '../../scripts/new-stream/types-file.ts'

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'pulse-new-stream-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

/** As read from a file, with a key each where they have some. */
function aSample(messages: readonly unknown[], keys?: readonly (string | undefined)[]): Sample {
  const file = join(folder(), 'messages.ndjson')
  writeFileSync(file, messages.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'))
  const sample = sampleOfFile(file)
  return {
    ...sample,
    records: sample.records.map((record, i) => {
      const key = keys?.[i]
      return {
        ...record,
        key,
        source: { ...record.source, key: key === undefined ? null : Buffer.from(key) },
      }
    }),
  }
}

const times = (n: number) => (make: (i: number) => unknown) => Array.from({ length: n }, (_, i) => make(i))
const at = (i: number) => new Date(Date.UTC(2026, 10, 21) + i * 60_000).toISOString()
const uuidOf = (i: number) => `3f2b8c1e-9a4d-4e6b-8f10-${String(i).padStart(12, '0')}`
const aVisit = (i: number, more: object = {}) => ({ visit_id: uuidOf(i), at: at(i), ...more })

const wordOf = (path: string, values: readonly unknown[]) => {
  const word = guessWord(path, values)
  return word && [word.name, ...word.first, ...Object.entries(word.own).map((own) => own.join(' '))].join(' ')
}

const of = (messages: readonly unknown[], told?: Told, keys?: readonly (string | undefined)[]) =>
  guessStream('visits', aSample(messages, keys), told)

describe('the word of a field', () => {
  test.for<[string, readonly unknown[], string | undefined]>([
    ['id', [uuidOf(1), uuidOf(2).toUpperCase()], 'uuid'],
    ['id', [uuidOf(1), 'order-17'], 'text 100'],
    ['at', ['2026-11-21T12:00:00Z', '2026-11-21T12:00:00.5+01:00'], 'instant'],
    ['at', ['2026-11-21T12:00:00'], 'text 50'],
    ['born', ['2026-11-21', '1999-02-28'], 'day'],
    ['born', ['2026-11-21', '1999-02-30'], 'text 50'],
    ['created', [1_795_262_400, 1_795_262_401], "instant epoch 's'"],
    ['created', [1_795_262_400_000], "instant epoch 'ms'"],
    ['created', [1_795_262_400_000_000], "instant epoch 'us'"],
    ['seen', [1_795_262_400_000], "instant epoch 'ms'"],
    // Nine digits are a number of anything; those of an id are no time whatever their size.
    ['views', [1_795_262_400], 'int'],
    ['user_id', [1_795_262_400_000], 'int'],
    ['created', [1_795_262_400, 1_795_262_400_000], 'int'],
    ['amount', [12.5, 1, 0.01], 'money'],
    ['amount', [12.5, 0], 'decimal digits 8 scale 2'],
    ['amount', [12.5, -3], 'decimal digits 8 scale 2'],
    ['amount', [12.345], 'decimal digits 11 scale 5'],
    ['amount', [1250, 3], 'int'],
    ['rate', [0.25, 3], 'decimal digits 7 scale 2'],
    ['rate', [0.1 + 0.2], 'json maxBytes 1_024'],
    ['price', ['12.50', '7.00'], 'decimal digits 8 scale 2'],
    ['zip', ['01234', '99999'], 'text 50'],
    ['version', ['1.2', '1.10'], 'text 50'],
    ['is_new', [true, false], 'flag'],
    ['quantity', [1, 2, -3], 'int'],
    ['currency', ['EUR', 'USD'], 'currencyCode'],
    ['currency', ['EUR', 'eur'], 'text 50'],
    ['kind', times(30)((i) => ['view', 'search', 'buy'][i % 3]), `oneOf ['buy', 'search', 'view']`],
    ['kind', times(29)((i) => ['view', 'search', 'buy'][i % 3]), 'text 50'],
    ['kind', times(30)(() => 'view'), 'text 50'],
    ['page', times(30)((i) => ['home', 'cart'][i % 2]), 'text 50'],
    ['level', times(30)((i) => ['l1', 'l2'][i % 2]), 'text 50'],
    ['customer_id', times(30)((i) => ['a', 'b'][i % 2]), 'text 50'],
    ['note', ['x'.repeat(51)], 'text 200'],
    ['note', ['🛒'.repeat(50)], 'text 100'],
    ['note', ['a', ''], 'json maxBytes 1_024'],
    ['note', ['x'.repeat(10_001)], 'json maxBytes 65_536'],
    ['note', ['a\0b'], undefined],
    ['tags', [['a'], []], 'list text(50)'],
    ['tags', [[], []], 'json maxBytes 1_024'],
    ['tags', [['a'], ['']], 'json maxBytes 1_024'],
    ['lines', [[{ sku: 'a' }]], 'json maxBytes 1_024'],
    ['mixed', [1, 'a'], 'json maxBytes 1_024'],
  ])('%s of %j is %s', ([path, values, word]) => {
    expect(wordOf(path, values)).toBe(word)
  })
})

const fieldsOf = (messages: readonly unknown[]) =>
  of(messages).fields.map(({ field, name, at: path, column, isOptional }) =>
    [field, name, path, column, isOptional ? 'optional' : undefined]
      .filter((one) => one !== undefined)
      .join(' '),
  )

const withLines = (lines: readonly unknown[]) => times(20)((i) => aVisit(i, { lines: i === 0 ? [] : lines }))

describe('a declaration', () => {
  test('has what is missing or null somewhere as optional, and leaves out what is null everywhere', () => {
    const messages = [aVisit(1, { a: 1, b: null, c: null }), aVisit(2, { b: 2, c: null })]
    expect(fieldsOf(messages)).toEqual(['visit_id uuid', 'at instant', 'a int optional', 'b int optional'])
    expect(of(messages).leftOut).toEqual(['c: it is null in every record of the sample'])
  })

  test('looks into objects that are records, not into those that are maps', () => {
    const messages = times(10)((i) =>
      aVisit(i, { customer: { id: i, address: { zipCode: '1' } }, carts: { [`cart ${i}`]: 1 } }),
    )
    expect(fieldsOf(messages)).toEqual([
      'visit_id uuid',
      'at instant',
      'customer_id int customer.id',
      'customer_address_zip_code text customer.address.zipCode',
      'carts json',
    ])
  })

  test('an object that is missing makes what is in it optional', () => {
    expect(fieldsOf([aVisit(1, { customer: { id: 1 } }), aVisit(2)])).toContain(
      'customer_id int customer.id optional',
    )
  })

  test('renames what is taken, by every fact, by SQL, by a replay or by another field', () => {
    const messages = [
      aVisit(1, { id: 'a', order: 'b', offset: 1, userId: 'c', user_id: 'd', Größe: 1, '1st': 2 }),
    ]
    expect(fieldsOf(messages).slice(2)).toEqual([
      'id text visit_id_2',
      'order text visit_order',
      'visit_offset int offset',
      'user_id text userId',
      'visit_user_id text user_id',
      'gro_e int Größe',
      'field_1st int 1st',
    ])
  })

  test('leaves out what no path leads to and what would be rounded, and says so', () => {
    const { leftOut, fields } = of([
      `{"visit_id":"${uuidOf(1)}","at":"${at(1)}","a.b":1,"big":12345678901234567890,"in":[12345678901234567890]}`,
    ])
    expect(fields.map(({ field }) => field)).toEqual(['visit_id', 'at'])
    expect(leftOut).toEqual([
      'a.b: no path leads to a name that is empty or has a dot',
      'big: whole numbers beyond 2^53 would be rounded: have them sent as text',
      'in: whole numbers beyond 2^53 would be rounded: have them sent as text',
    ])
  })

  test('takes lists of objects as lines, with what they have in common, unless it would lose something', () => {
    const guess = guessStream(
      'orders',
      aSample(
        withLines([
          { sku: 'a', at: 1, item: { n: 2 } },
          { sku: 'b', at: 2 },
        ]),
      ),
    )
    const [lines] = guess.fields.filter(({ field }) => field === 'lines')
    expect(lines?.name).toBe('rows')
    expect(
      lines?.lines?.map(({ field, name, at: path, column, isOptional }) => [
        field,
        name,
        path,
        column,
        isOptional,
      ]),
    ).toEqual([
      ['sku', 'text', undefined, undefined, false],
      // The record's own event time is a part of the key of its lines.
      ['at', 'int', undefined, 'line_at', false],
      ['item_n', 'int', 'item.n', undefined, true],
    ])
    for (const other of [[{ sku: 'a', 'b.c': 1 }], [{ sku: 2 ** 60 }], [1, { sku: 'a' }], [[{ sku: 'a' }]]])
      expect(
        guessStream('orders', aSample(withLines(other))).fields.find(({ field }) => field === 'lines')?.name,
      ).not.toBe('rows')
  })

  test('takes an event time by its name, and says what else it might be', () => {
    const messages = [
      aVisit(1, { loaded: at(9), updated_at: at(2) }),
      aVisit(2, { loaded: at(9), updated_at: at(3) }),
    ]
    expect(of(messages).eventTime).toEqual({ is: 'at', guess: 'it might also be updated_at, loaded' })
    expect(of(messages, { eventTime: 'loaded' }).eventTime).toEqual({ is: 'loaded' })
  })

  test('takes the id that tells records apart, whichever name it has', () => {
    const messages = times(4)((i) => ({ session_id: 's', visit_id: uuidOf(i), note: 'n', at: at(0) }))
    expect(of(messages).identity.is).toEqual(['visit_id'])
    expect(of([...messages, messages[0]]).identity.is).toEqual(['visit_id'])
    const numbered = times(4)((i) => ({ session_id: 's', number: i, at: at(0) }))
    expect(of(numbered).identity.is).toEqual(['number'])
  })

  test('takes an id that comes again at other times, with the time in which it differs', () => {
    const orders = times(4)((i) => ({
      order_id: `o-${i % 2}`,
      created_at: at(i % 2),
      updated_at: at(i),
      state: i < 2 ? 'new' : 'paid',
    }))
    const { identity, eventTime } = of(orders)
    expect([identity.is, eventTime.is]).toEqual([['order_id'], 'updated_at'])
    expect(identity.guess).toBe('it comes again at other times, and each is a fact of its own')
  })

  test('takes two fields where one is not enough', () => {
    const messages = times(4)((i) => ({ session: `s${i % 2}`, page: `p${i >> 1}`, at: at(0) }))
    expect(of(messages).identity.is).toEqual(['session', 'page'])
  })

  test('takes the field that is the key, else the key itself, else a guess', () => {
    const messages = times(4)((i) => aVisit(i, { session: `s-${i % 2}` }))
    const keyed = (keys: readonly (string | undefined)[]) => of(messages, {}, keys)
    expect(keyed(['s-0', 's-1', 's-0', 's-1']).key).toEqual({ is: 'session' })
    const other = keyed(['a', 'b', 'c', 'd'])
    expect(other.key).toEqual({ is: 'message_key' })
    expect(other.fields.at(-1)).toMatchObject({ field: 'message_key', at: 'key()' })
    expect(keyed(['a', undefined, 'c', 'd']).key.guess).toMatch(/^not every message has a key/)
    expect(of(messages).key).toMatchObject({
      is: 'visit_id',
      guess: expect.stringMatching(/^the sample has no keys/) as string,
    })
    expect(of(messages, { key: 'session' }).key).toEqual({ is: 'session' })
  })

  test.for<[string, readonly unknown[], Told, string]>([
    ['no time', [{ id: 'a' }], {}, 'none of them is a time'],
    ['no time', [{ id: 'a' }], {}, '--event-time FIELD'],
    [
      'a time that may be missing',
      [aVisit(1), { visit_id: uuidOf(2) }],
      {},
      'at is a time, but missing in 1 record',
    ],
    [
      'a time without its zone',
      [{ id: 'a', at: '2026-11-21 12:00:00' }],
      {},
      'at looks like a time, but is written without its zone',
    ],
    ['no identity', times(3)((i) => ({ n: i * 0.5, at: at(0) })), {}, '--identity FIELD,FIELD'],
    [
      'an id that comes again with other values',
      times(4)((i) => ({ visit_id: 'a', n: i * 0.5, at: at(0) })),
      {},
      '  visit_id comes again, with other values, in 3 records',
    ],
    [
      'an id that is missing somewhere',
      times(4)((i) => ({ visit_id: i === 2 ? null : `v-${i}`, at: at(0) })),
      {},
      '  visit_id is missing in 1 record',
    ],
    [
      'a field that is not there',
      [aVisit(1)],
      { eventTime: 'when' },
      'has no field when that can be declared; it has visit_id, at',
    ],
    [
      'an event time that is none',
      [aVisit(1)],
      { eventTime: 'visit_id' },
      "visit_id can't be the event time",
    ],
    [
      'an identity of a time',
      [aVisit(1)],
      { identity: ['at'] },
      "at can't be part of the identity: it is instant",
    ],
  ])('is not made of %s: %s', ([, messages, told, said]) => {
    expect(() => of(messages, told)).toThrow(NoGuess)
    expect(() => of(messages, told)).toThrow(said)
  })
})

describe('records that are unlike the others', () => {
  const GOOD = times(97)((i) => aVisit(i, { page: '/', n: i, who: { id: i } }))
  const left = (broken: readonly unknown[], percent = 3) =>
    withoutMisfits('visits', aSample([...GOOD, ...broken]), percent)

  test.for<[string, unknown, string]>([
    ['another type', aVisit(200, { page: 17 }), 'page is a number, not a string as elsewhere'],
    [
      'another type inside',
      aVisit(200, { who: { id: 'x' } }),
      'who.id is a string, not a number as elsewhere',
    ],
    ['no object', aVisit(200, { who: 'x' }), 'who is a string, not an object as elsewhere'],
    ['a broken id', aVisit(200, { visit_id: 'v-200' }), 'visit_id is unlike the others: "v-200"'],
    ['a broken time', aVisit(200, { at: 'yesterday' }), 'at is unlike the others: "yesterday"'],
    ['no time', { visit_id: uuidOf(200) }, 'at is missing'],
    ['no id', { at: at(200) }, 'visit_id is missing'],
    ['the id of another', aVisit(5, { page: '/other' }), 'visit_id is that of another record'],
  ])('are left out: %s', ([, broken, reason]) => {
    const { sample, misfits } = left([broken])
    expect(misfits).toEqual([reason])
    expect(sample.records).toHaveLength(97)
    expect(guessStream('visits', sample).identity.is).toEqual(['visit_id'])
  })

  test('are none where something is only missing, or a number is of another size', () => {
    expect(left([aVisit(200), aVisit(201, { n: 0.5 })]).misfits).toEqual([])
  })

  test('stay where they are not few, and where nobody asked', () => {
    const broken = times(4)((i) => aVisit(200 + i, { page: i }))
    expect(left(broken).misfits).toEqual([])
    expect(left([broken[0]], 0).misfits).toEqual([])
    const each = [{ page: 1 }, { n: 'x' }, { who: 1 }, { at: 1 }].map((more, i) => aVisit(200 + i, more))
    expect(() => left(each)).toThrow('4 of 101 records are unlike the others, more than 3 %')
  })
})

test('a line that is no message is named', () => {
  expect(() => aSample([aVisit(1), '[1]'])).toThrow(/messages\.ndjson, line 2: value is an array; it must be/)
  expect(() => aSample([''])).toThrow('holds no message')
  expect(() => sampleOfFile('/nowhere/messages.ndjson')).toThrow(
    "/nowhere/messages.ndjson can't be read: ENOENT",
  )
})

// The compiler runs, more than once, as a process.
describe('what is written', { timeout: 60_000 }, () => {
  /** Everything that makes a line long or needs a mark. */
  const MESSAGES = times(40)((i) =>
    aVisit(i, {
      id: `i-${i}`,
      kind: ['it_is', 'b'][i % 2],
      note: "it's",
      customer: {
        id: i,
        ...(i > 0 && { aVeryLongNameOfAnAttribute: { ofAnotherOne: { thatIsDeep: 'x' } } }),
      },
      currency: 'EUR',
      amount: i + 0.5,
      created: Date.UTC(2026, 1, 1) + i,
      day: '2026-01-01',
      lines: [{ sku: 'a' }],
      rate: i / 8 + 0.125,
      flag: true,
      tags: ['a'],
      'a.b': 1,
      order: 'x',
    }),
  )
  const write = (root: string, name: string, messages = MESSAGES): string[] => {
    const place = placeIn(pathToFileURL(`${root}/`), name)
    return place.write(renderStream(guessStream(name, aSample(messages)), place.constant, 'a test'))
  }

  test('is formatted as this project is, compiles, and a misspelt field does not', () => {
    const root = folder()
    const written = write(root, 'site_visits').map((path) => path.slice(root.length + 1))
    expect(written).toEqual([
      'site_visits/site_visits.ts',
      'index.ts',
      'tsconfig.json',
      'global-sales-pulse.d.ts',
    ])
    const declaration = join(root, 'site_visits/site_visits.ts')
    const text = readFileSync(declaration, 'utf8')
    const options = fileURLToPath(new URL('../../.oxfmtrc.json', import.meta.url))
    const oxfmt = fileURLToPath(new URL('../../node_modules/.bin/oxfmt', import.meta.url))
    execFileSync(oxfmt, ['-c', options, declaration, join(root, 'index.ts')])
    expect(readFileSync(declaration, 'utf8')).toBe(text)
    expect(() => compile(['-p', root])).not.toThrow()
    writeFileSync(declaration, text.replace("eventTime: 'at'", "eventTime: 'att'"))
    expect(() => compile(['-p', root])).toThrow(/site_visits\.ts\(\d+,3\): error .*"att"/)
    writeFileSync(declaration, text.replace('uuid()', 'guid()'))
    expect(() => compile(['-p', root])).toThrow("Cannot find name 'guid'")
  })

  test('lists a further stream after those that are there, and leaves everything else as it is', () => {
    const root = folder()
    writeFileSync(
      join(root, 'index.ts'),
      `import {\n  visits,\n} from './visits/visits.ts'\n\n// mine\nexport const streams: readonly unknown[] = [\n  visits,\n]\n`,
    )
    write(root, 'site_orders')
    const place = placeIn(pathToFileURL(`${root}/`), 'import')
    expect(place.constant).toBe('importStream')
    expect(readFileSync(join(root, 'index.ts'), 'utf8')).toBe(
      `import {\n  visits,\n} from './visits/visits.ts'\nimport { siteOrders } from './site_orders/site_orders.ts'\n\n// mine\nexport const streams: readonly unknown[] = [\n  visits,\n  siteOrders,\n]\n`,
    )
  })

  test('is never written over what is there, nor into an index that lists in another way', () => {
    const root = folder()
    mkdirSync(join(root, 'visits'))
    expect(() => write(root, 'visits')).toThrow('/visits is there already, and is left as it is')
    writeFileSync(join(root, 'index.ts'), 'export const streams = all()\n')
    expect(() => write(root, 'orders')).toThrow(
      'has no "export const streams = […]" that a line can be added to',
    )
  })
})
