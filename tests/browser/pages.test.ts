import { expect, test } from 'vitest'
import { aConsole, keepScreenshot, type Scheme, type View } from '../support/browser.ts'
import { aBrokenMessage, aLiveMessage } from '../support/messages.ts'

test('the keyboard goes past the menu to what the page is about', async () => {
  const { page, logIn, open } = await aConsole()
  await logIn()
  await open('/runs')
  await page.keyboard.press('Tab')
  await page.locator('a:focus', { hasText: 'To the content' }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('main:focus').waitFor()
  expect(page.url()).toMatch(/#main$/)
})

const LOOKS: readonly (readonly [Scheme, View])[] = [
  ['light', 'wide'],
  ['dark', 'wide'],
  ['light', 'phone'],
  ['dark', 'phone'],
]

test.for(LOOKS)('every page is accessible and fits, %s and %s', async ([scheme, view]) => {
  const { page, world, logIn, open, expectAccessible } = await aConsole({ scheme, view })
  await world.produce([...Array.from({ length: 60 }, () => aLiveMessage()), aBrokenMessage(), 'no JSON'])
  await world.drained()
  await open('/login')
  await expectAccessible()
  await keepScreenshot(page, `login-${scheme}-${view}`)
  await logIn()
  const menu = page.getByRole('navigation', { name: 'Pages' }).getByRole('link')
  const paths = await menu.evaluateAll((links) => links.map((link) => link.getAttribute('href')!))
  expect(paths).toContain('/dead-letters')
  const { rows } = await world.pool.query<{ path: string }>(
    `(select '/runs/' || run_id as path from audit.pipeline_batches order by loaded_at limit 1)
     union all (select '/dead-letters/' || id from audit.dead_letters order by id limit 1)
     union all (select '/dead-letters/' || id || '/edit' from audit.dead_letters order by id limit 1)
     union all select '/dead-letters/dismiss?state=open'`,
  )
  for (const path of [...paths, ...rows.map((row) => row.path)]) {
    await open(path)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await expectAccessible()
    // What is wider scrolls in itself, not the page.
    const width = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    expect(`${path}: ${width} px too wide`).toBe(`${path}: 0 px too wide`)
    const name =
      path === '/' ? 'overview' : path.slice(1).replace(/\?.*/, '').replaceAll('/', '-').replace(/\d+/, 'one')
    await keepScreenshot(page, `${name}-${scheme}-${view}`)
  }
})
