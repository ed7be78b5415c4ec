import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Patience } from '../../etl/job/learn-schemas.ts'
import { openRegistry } from '../../etl/job/schema-registry.ts'

/** How a registry is asked, and what is made of its answers; a real one is in tests/integration/schema-registry.test.ts. */

type Page = readonly [status: number, body: unknown]

/** A server with these pages; 404 as registries say it elsewhere. */
async function aRegistry(pages: Readonly<Record<string, Page | readonly Page[]>>) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    const page = pages[request.url!] ?? [404, { error_code: 40_403, message: 'Schema not found' }]
    const times = asked.filter(({ url }) => url === request.url).length
    const [status, body] = (
      Array.isArray(page[0]) ? (page[Math.min(times, page.length) - 1] as Page) : page
    ) as Page
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked, server }
}

const { signal } = new AbortController()
const ask = (url: string, id = 1, settings = {}) =>
  openRegistry({ SCHEMA_REGISTRY_URL: url, ...settings }, { retryAfterMs: 1 }).ask(id, signal)

test('a schema without a type is Avro, and others say theirs', async () => {
  const { url, asked } = await aRegistry({
    '/schemas/ids/1': [200, { schema: '"string"' }],
    '/schemas/ids/2': [200, { schema: '{}', schemaType: 'JSON', references: null }],
  })
  expect(await ask(url)).toEqual({ id: 1, type: 'AVRO', text: '"string"', imports: [] })
  expect(await ask(url, 2)).toMatchObject({ type: 'JSON' })
  expect(asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
})

test('user and password are sent', async () => {
  const { url, asked } = await aRegistry({ '/schemas/ids/1': [200, { schema: '"string"' }] })
  await ask(url, 1, { SCHEMA_REGISTRY_USER: 'etl', SCHEMA_REGISTRY_PASSWORD: 'a:b' })
  expect(asked[0]!.headers.authorization).toBe(`Basic ${Buffer.from('etl:a:b').toString('base64')}`)
})

const refersTo = (...names: string[]) => names.map((name) => ({ name, subject: `of/${name}`, version: 2 }))

test('those that a schema refers to come with it, each before those that refer to it, and a circle ends', async () => {
  const { url } = await aRegistry({
    '/schemas/ids/1': [200, { schema: 'main', schemaType: 'PROTOBUF', references: refersTo('a', 'b') }],
    '/subjects/of%2Fa/versions/2': [200, { schema: 'A', references: refersTo('b') }],
    '/subjects/of%2Fb/versions/2': [200, { schema: 'B', references: refersTo('a') }],
  })
  expect(await ask(url)).toEqual({
    id: 1,
    type: 'PROTOBUF',
    text: 'main',
    imports: [
      { name: 'b', text: 'B' },
      { name: 'a', text: 'A' },
    ],
  })
})

describe('no schema', () => {
  test('is what the registry says, and not what a wrong address does', async () => {
    const { url } = await aRegistry({
      '/wrong/schemas/ids/1': [404, '<h1>Not Found</h1>'],
      // Apicurio has a code for that too.
      '/other/schemas/ids/1': [404, { error_code: 404, message: 'Could not find resource' }],
    })
    expect(await ask(url)).toBeUndefined()
    for (const wrong of ['wrong', 'other'])
      await expect(ask(`${url}/${wrong}`)).rejects.toThrow(
        /has no such page \(404\): SCHEMA_REGISTRY_URL must be where/,
      )
  })

  test('is certain of what is no id, without asking', async () => {
    const { url, asked } = await aRegistry({})
    expect(await ask(url, 2_147_483_648)).toBeUndefined()
    expect(asked).toEqual([])
  })
})

describe('a registry that is away', () => {
  test('is asked again, and it is no answer about the schema', async () => {
    const { url, asked } = await aRegistry({
      '/schemas/ids/1': [
        [503, ''],
        [500, { error_code: 50_001 }],
        [200, { schema: '"string"' }],
      ],
      '/schemas/ids/2': [503, ''],
    })
    expect(await ask(url)).toMatchObject({ id: 1 })
    expect(asked).toHaveLength(3)
    await expect(ask(url, 2)).rejects.toThrow(`the schema registry ${url} is out of reach: it answers 503`)
  })

  test('is named with the reason', async () => {
    const { url, server } = await aRegistry({})
    server.close()
    await expect(ask(url)).rejects.toThrow(/is out of reach: .*ECONNREFUSED/)
  })

  test('lets a run that is told to stop go', async () => {
    const stop = new AbortController()
    const { url } = await aRegistry({ '/schemas/ids/1': [503, ''] })
    const asking = openRegistry({ SCHEMA_REGISTRY_URL: url }, { retryAfterMs: 60_000 }).ask(1, stop.signal)
    const reason = new Error('told to stop')
    stop.abort(reason)
    await expect(asking).rejects.toBe(reason)
  })
})

test.for([
  [[401, {}], /lets us not in \(401\): set SCHEMA_REGISTRY_USER/],
  [[200, '<html>'], /gives no schema but 200: <html>/],
  [[200, { schema: 'x', schemaType: 'XML' }], /gives no schema/],
] as const)('%j is said once, as asking again would not mend it', async ([page, said]) => {
  const { url, asked } = await aRegistry({ '/schemas/ids/1': page })
  await expect(ask(url)).rejects.toThrow(said)
  expect(asked).toHaveLength(1)
})

test('without an address a schema that the warehouse has not seen is a missing setting', () => {
  expect(() => openRegistry({}).ask(7, signal)).toThrow(
    'a record names schema 7, which the warehouse has not seen yet, and SCHEMA_REGISTRY_URL is not set',
  )
})

describe('patience', () => {
  test('is five minutes for a schema from when it was first missed, and ends once', () => {
    const patience = new Patience()
    expect([0, 299_999, 300_000, 900_000].map((now) => patience.waitsFor(1, now))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('is ten seconds for others in the hour after one was given up', () => {
    const patience = new Patience()
    for (const now of [0, 300_000]) patience.waitsFor(1, now)
    const waits = (id: number, from: number) =>
      [0, 9_999, 10_000].map((after) => patience.waitsFor(id, from + after))
    expect(waits(2, 300_001)).toEqual([true, true, false])
    expect(waits(3, 3_000_000)).toEqual([true, true, false])
    // That one was given up too: an hour from then.
    expect(waits(4, 3_000_000 + 10_000 + 3_600_000)).toEqual([true, true, true])
  })

  test('none is for what can be no id', () => {
    expect(new Patience().waitsFor(2_147_483_648, 0)).toBe(false)
  })
})
