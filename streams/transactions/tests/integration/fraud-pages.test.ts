import { beforeAll, expect, test } from 'vitest'
import { aConsoleServer, type ConsoleServer } from '../../../../tests/support/console.ts'
import { aWorld, type World } from '../../../../tests/support/world.ts'
import { readFlagged, readOfCustomer } from '../../console/read.ts'
import { aLiveMessage } from '../support/a-transaction.ts'

/** The pages about fraud, over HTTP and a real warehouse. */

async function looking(server: ConsoleServer, path: string): Promise<string> {
  const { cookie } = await server.logIn()
  const { status, body } = await server.ask('GET', path, { cookie })
  if (status !== 200) throw new Error(`${path}: ${status} ${body}`)
  return body
}

test('a warehouse where nothing ever happened: each page says so', async () => {
  const server = await aConsoleServer(await aWorld({ withoutTopics: true }))
  expect(await looking(server, '/fraud')).toContain('No transaction is flagged.')
  expect(await looking(server, '/fraud/customers/nobody')).toContain(
    'No transaction of this customer is in the warehouse.',
  )
})

const CUSTOMER = '<b>&/ü'

let fraud: World
beforeAll(async () => {
  const world = await aWorld({ partitions: 1 })
  fraud = world
  const timestamp = new Date().toISOString() // one for all, so that paging has to tell them apart by more
  await world.produce([
    ...Array.from({ length: 60 }, () => aLiveMessage({ customer_id: CUSTOMER, amount: 1000.01, timestamp })),
    aLiveMessage({ customer_id: CUSTOMER, amount: 20.5 }),
    aLiveMessage({ customer_id: CUSTOMER, amount: 9_999_999_999.99, currency: 'JPY' }),
    aLiveMessage({ customer_id: 'somebody', amount: 5 }),
  ])
  await world.runOnce()
  return () => world.cleanUp()
})

test('flagged transactions: reasons with their counts, exact amounts, pages', async () => {
  const server = await aConsoleServer(fraud)
  const page = await looking(server, '/fraud')
  expect(page).toMatch(/61\s+flagged in the last 24 hours/)
  expect(page).toContain('amount over 1000')
  expect(page).toContain('9,999,999,999.99')
  expect(page).not.toContain(CUSTOMER)
  expect(page.match(/href="\/fraud\/customers\//g)).toHaveLength(50)
  const older = /href="(\/fraud\?span=24h&amp;before=[^"]+)"/.exec(page)![1]!.replaceAll('&amp;', '&')
  expect((await looking(server, older)).match(/href="\/fraud\/customers\//g)).toHaveLength(11)
})

test('a customer: totals by currency, the flagged share, all transactions or the flagged ones', async () => {
  const server = await aConsoleServer(fraud)
  const path = `/fraud/customers/${encodeURIComponent(CUSTOMER)}`
  const { cookie } = await server.logIn()
  const form = await server.ask('GET', `/fraud?customer=${encodeURIComponent(CUSTOMER)}`, { cookie })
  expect([form.status, form.headers.location]).toEqual([303, path])
  const page = await looking(server, path)
  expect(page).toContain('Customer &lt;b&gt;&amp;/ü')
  expect(page).toMatch(/62 transactions,\s+61 flagged\s+\(98\.4 %\)/)
  expect(page).toContain('60,021.10')
  expect(page).toContain('60,000.60')
  expect(page).not.toContain('somebody')
})

test('pages of facts neither leave one out nor show one twice, also within one microsecond', async () => {
  const all = await readOfCustomer(fraud.pool, CUSTOMER, { limit: 100, flaggedOnly: false })
  expect(all).toHaveLength(62)
  const paged: string[] = []
  for (let before: string | undefined; ;) {
    const facts = await readFlagged(fraud.pool, { limit: 7, before })
    paged.push(...facts.map(({ orderId }) => orderId))
    before = facts.at(-1)?.cursor
    if (before === undefined) break
  }
  expect(paged).toEqual(all.filter(({ flagged }) => flagged).map(({ orderId }) => orderId))
})

test('no page has inline script or style, which the policy would refuse', async () => {
  const server = await aConsoleServer(fraud)
  for (const path of ['/fraud', `/fraud/customers/${encodeURIComponent(CUSTOMER)}`])
    expect(await looking(server, path)).not.toMatch(/<style|\sstyle=|\son[a-z]+="/)
})
