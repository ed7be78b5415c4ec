import { expect, test } from 'vitest'
import { aConsole, keepScreenshot, type Scheme, type View } from '../../../../tests/support/browser.ts'
import { aLiveMessage } from '../support/a-transaction.ts'

const LOOKS: readonly (readonly [Scheme, View])[] = [
  ['light', 'wide'],
  ['dark', 'wide'],
  ['light', 'phone'],
  ['dark', 'phone'],
]

test.for(LOOKS)(
  'what is flagged, and a customer, are accessible and fit, %s and %s',
  async ([scheme, view]) => {
    const { page, world, logIn, open, expectAccessible } = await aConsole({ scheme, view })
    const flagged = Array.from({ length: 3 }, () =>
      aLiveMessage({ amount: 5_000, customer_id: 'big-spender' }),
    )
    await world.produce([...Array.from({ length: 20 }, () => aLiveMessage()), ...flagged])
    await world.drained()
    await logIn()
    for (const [name, path] of [
      ['fraud', '/fraud'],
      ['fraud-customers-big-spender', '/fraud/customers/big-spender'],
    ] as const) {
      await open(path)
      await page.getByText('big-spender').first().waitFor()
      await expectAccessible()
      // What is wider scrolls in itself, not the page.
      const width = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
      expect(`${path}: ${width} px too wide`).toBe(`${path}: 0 px too wide`)
      await keepScreenshot(page, `${name}-${scheme}-${view}`)
    }
  },
)

test('hostile texts of a sale are shown, and nowhere run', async () => {
  const { page, world, logIn, open } = await aConsole()
  const [customer, category] = ['<b>&hacked', '<img src=x onerror=hacked=1>']
  await world.produce([aLiveMessage({ amount: 2_000, customer_id: customer, product_category: category })])
  await world.drained()
  await logIn()
  for (const path of ['/fraud', `/fraud/customers/${encodeURIComponent(customer)}`]) {
    await open(path)
    await page.getByText('<b>&hacked').first().waitFor()
    const injected = page.locator('[onerror], main script:not([type="application/json"]), main b')
    expect(await injected.evaluateAll((found) => found.map(String))).toEqual([])
    expect(await page.evaluate('window.hacked')).toBeUndefined()
  }
  expect(await page.locator('main').innerText()).toContain('onerror=')
})
