import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import type { Child } from './child.ts'
import { chromiumPath } from './chromium.ts'
import { addressOf, CONSOLE_ENV, OPERATOR_PASSWORD } from './console.ts'
import { aWorld, type World } from './world.ts'

/** Windows that people look through: a desk's, and a phone's of 360 pixels. */
export const VIEWS = { wide: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } } as const
export type View = keyof typeof VIEWS
export type Scheme = 'light' | 'dark'

export interface ConsoleOptions {
  readonly view?: View
  readonly scheme?: Scheme
  /** Above the world's own, for the ETL. */
  readonly env?: Readonly<Record<string, string>>
  /** One that is there; without it a new one. */
  readonly world?: World
  /** What a browser complains about and the test means to happen. */
  readonly expectedFaults?: RegExp
}

/** A real job with its console, and somebody who looks at it in a real browser. */
export interface OpenConsole {
  readonly world: World
  readonly etl: Child
  /** Without a slash at the end. */
  readonly url: string
  readonly page: Page
  readonly context: BrowserContext
  readonly open: (path: string) => Promise<void>
  readonly logIn: (password?: string, name?: string) => Promise<void>
  /** Fails the test on what axe calls serious or critical on the page as it is now. */
  readonly expectAccessible: () => Promise<void>
}

/**
 * Starts an ETL and a browser, not logged in yet. The test fails on each error in the browser's console, each
 * script that failed and each breach of the content security policy. Everything is closed when it ends.
 */
export async function aConsole(options: ConsoleOptions = {}): Promise<OpenConsole> {
  const { view = 'wide', scheme = 'light', env = {}, expectedFaults } = options
  const world = options.world ?? (await aWorld({ partitions: 1 }))
  const etl = world.startEtl({ ...CONSOLE_ENV, ...env })
  const url = await addressOf(etl)
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] })
  const faults: string[] = []
  onTestFinished(async () => {
    await browser.close()
    expect(faults.filter((fault) => expectedFaults?.test(fault) !== true)).toEqual([])
  })
  const context = await browser.newContext({
    viewport: VIEWS[view],
    colorScheme: scheme,
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(15_000)
  context.on('console', (said) => {
    if (said.type() === 'error' || said.type() === 'warning')
      faults.push(`${said.type()}: ${said.text()} ${said.location().url}`)
  })
  context.on('weberror', (error) => faults.push(`uncaught: ${error.error().message}`))
  const page = await context.newPage()
  return {
    world,
    etl,
    url,
    page,
    context,
    open: async (path) => void (await page.goto(url + path)),
    logIn: async (password = OPERATOR_PASSWORD, name = 'Ada') => {
      await page.goto(`${url}/login`)
      await page.getByLabel('Your name').fill(name)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Log in' }).click()
    },
    expectAccessible: () => expectAccessible(page),
  }
}

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const found = serious.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
  )
  expect(found).toEqual([])
}

/** Keeps what the page looks like in the folder that SCREENSHOTS names; without it does nothing. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder === undefined || folder === '') return
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}
