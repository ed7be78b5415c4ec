import {
  assert,
  array,
  asyncProperty,
  integer,
  maxSafeInteger,
  option,
  string,
  uint8Array,
  uuid,
} from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { centsToDecimal } from '../../etl/stream/money.ts'
import {
  bools,
  byteas,
  hundredths,
  int4s,
  int8s,
  texts,
  timestamps,
  uuids,
} from '../../etl/postgres/binary-arrays.ts'

const client = new Client({ connectionString: inject('databaseUrl') })
beforeAll(async () => {
  await client.connect()
  await client.query(`set timezone to 'Asia/Kathmandu'`)
})
afterAll(() => client.end())

/** What Postgres read, as it writes it. */
async function read(type: string, buffer: Buffer): Promise<string[]> {
  const { rows } = await client.query<{ text: string[] }>(`select $1::${type}[]::text[] as text`, [buffer])
  return rows[0]!.text
}

const NUM_RUNS = { numRuns: 200 }
const MAX_CENTS = 999_999_999_999

test('amounts come as they are, from nothing to the largest', async () => {
  const cents = [0, 1, 9, 10, 99, 100, 101, 9_999, 10_000, 10_001, 99_999_999, 100_000_000, 1_000_000_00]
  cents.push(10_000_00, 10_000_01, 100_000_000_00, MAX_CENTS, MAX_CENTS - 1, Number.MAX_SAFE_INTEGER)
  expect(await read('numeric', hundredths(cents))).toEqual(cents.map(centsToDecimal))
})

test('any cents come as they are', async () => {
  const amounts = array(integer({ min: 0, max: 10 ** 12 }), { minLength: 1, maxLength: 50 })
  const sums = array(maxSafeInteger().map(Math.abs), { minLength: 1, maxLength: 10 })
  for (const values of [amounts, sums]) {
    await assert(
      asyncProperty(values, async (cents) => {
        expect(await read('numeric', hundredths(cents))).toEqual(cents.map(centsToDecimal))
      }),
      NUM_RUNS,
    )
  }
})

test('sums beyond the safe integers come as they are', async () => {
  const cents = [0n, 99n, 2n ** 53n + 1n, 10n ** 17n + 1n, 9n * 10n ** 17n - 1n]
  expect(await read('numeric', hundredths(cents))).toEqual([
    '0.00',
    '0.99',
    '90071992547409.93',
    '1000000000000000.01',
    '8999999999999999.99',
  ])
})

test('a numeric is one that Postgres would have written itself', async () => {
  const cents = [0, 1, 100, 10_000, 1_000_000, 123_456_789]
  const { rows } = await client.query<{ same: boolean }>(
    `select bool_and(numeric_send(a) = numeric_send(b::numeric(20, 2))) as same
     from unnest($1::numeric[], $2::text[]) as t (a, b)`,
    [hundredths(cents), cents.map(centsToDecimal)],
  )
  expect(rows).toEqual([{ same: true }])
})

test('times come to the microsecond, also before 2000 and before 1970', async () => {
  // 1716 to 2255: farther than any month that has a partition.
  const micros = integer({ min: -8e15, max: 9e15 })
  await assert(
    asyncProperty(array(micros, { maxLength: 20 }), async (values) => {
      const { rows } = await client.query<{ micros: string[] | null }>(
        `select array_agg((extract(epoch from t) * 1000000)::bigint::text order by n) as micros
         from unnest($1::timestamptz[]) with ordinality as u (t, n)`,
        [timestamps(values)],
      )
      expect(rows[0]!.micros ?? []).toEqual(values.map(String))
    }),
    NUM_RUNS,
  )
})

test('integers come as they are', async () => {
  const any = array(maxSafeInteger(), { maxLength: 50 })
  await assert(
    asyncProperty(any, async (values) => {
      expect(await read('int8', int8s(values))).toEqual(values.map(String))
    }),
    NUM_RUNS,
  )
  const small = [-(2 ** 31), -1, 0, 1, 2 ** 31 - 1]
  expect(await read('int4', int4s(small))).toEqual(small.map(String))
})

test('UUIDs come as they are, in lower case', async () => {
  await assert(
    asyncProperty(array(uuid(), { maxLength: 50 }), async (values) => {
      expect(await read('uuid', uuids(values.map((value) => value.toUpperCase())))).toEqual(values)
    }),
    NUM_RUNS,
  )
})

test('text of any characters that Postgres takes comes as it is', async () => {
  const text = string({ unit: 'binary', maxLength: 60 }).map((value) =>
    value.replaceAll('\0', '').toWellFormed(),
  )
  await assert(
    asyncProperty(array(text, { maxLength: 10 }), async (values) => {
      expect(await read('text', texts(values))).toEqual(values)
    }),
    NUM_RUNS,
  )
})

test('bytes come as they are, and null is no bytes', async () => {
  const bytes = option(uint8Array({ maxLength: 60 }).map((value) => Buffer.from(value)))
  await assert(
    asyncProperty(array(bytes, { maxLength: 10 }), async (values) => {
      const { rows } = await client.query<{ bytes: Buffer | null }>(
        'select bytes from unnest($1::bytea[]) with ordinality as u (bytes, n) order by n',
        [byteas(values)],
      )
      expect(rows.map((row) => row.bytes)).toEqual(values)
    }),
    NUM_RUNS,
  )
})

test('truths come as they are', async () => {
  expect(await read('bool', bools([true, false, true]))).toEqual(['true', 'false', 'true'])
})

test.for([
  ['numeric', hundredths([])],
  ['timestamptz', timestamps([])],
  ['int8', int8s([])],
  ['int4', int4s([])],
  ['uuid', uuids([])],
  ['text', texts([])],
  ['bool', bools([])],
  ['bytea', byteas([])],
] as const)('none of %s are an empty array', async ([type, buffer]) => {
  expect(await read(type, buffer)).toEqual([])
})
