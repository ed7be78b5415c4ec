import { expect, test } from 'vitest'
import { aConsole, keepScreenshot } from '../support/browser.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage } from '../support/messages.ts'

test('a run appears on the overview by itself', async () => {
  const { page, world, logIn } = await aConsole()
  await logIn()
  await page.getByRole('region', { name: 'State' }).getByText('Idle').waitFor()
  await page.evaluate('window.stillTheSamePage = true')
  await world.produce(Array.from({ length: 40 }, () => aLiveMessage()))
  await world.drained()
  const { rows } = await world.pool.query<{ id: string }>(
    'select run_id::text as id from audit.pipeline_batches limit 1',
  )
  await page.locator(`main a[href="/runs/${rows[0]!.id}"]`).first().waitFor()
  expect(await page.evaluate('window.stillTheSamePage')).toBe(true)
  await keepScreenshot(page, 'run-appeared')

  await page.locator(`main a[href="/runs/${rows[0]!.id}"]`).first().click()
  await page.getByRole('heading', { level: 1, name: `Run ${rows[0]!.id}` }).waitFor()
})

test('paused on the Actions page, the job stands and the overview says so; resumed, it goes on', async () => {
  const { page, world, etl, logIn, open } = await aConsole()
  await logIn()
  const overview = await page.context().newPage()
  await overview.goto(page.url())
  await open('/actions')
  await page.getByLabel('Reason').first().fill('maintenance of the database')
  // Where several streams are installed, of all of them.
  await page.getByRole('button', { name: /^Pause all (workers|streams)$/ }).click()
  await page
    .getByText(/paused at/i)
    .first()
    .waitFor()

  // Without being told: it looks again by itself.
  await overview.getByRole('region', { name: 'State' }).getByText('Paused').first().waitFor()
  await overview.getByText('maintenance of the database').waitFor()
  await keepScreenshot(overview, 'paused')
  await etl.waitForLine('paused')
  await world.produce([aLiveMessage()])
  const { rows: before } = await world.pool.query('select max(id) as id from audit.pipeline_runs')
  // Two ticks of its clock, and nothing happened.
  const seen = Date.now()
  await waitFor('two ticks to pass', () => Date.now() - seen > 2_500)
  expect((await world.pool.query('select max(id) as id from audit.pipeline_runs')).rows).toEqual(before)
  expect(await world.facts()).toEqual([])

  await page.getByRole('button', { name: /^Resume all (workers|streams)$/ }).click()
  await page.getByText('The job goes by its schedule').waitFor()
  await world.drained()
  await overview.getByRole('region', { name: 'State' }).getByText('Idle').waitFor()
  const { rows } = await world.pool.query(
    'select action, requested_by, via, reason from audit.operator_actions order by id',
  )
  expect(rows).toEqual([
    { action: 'pause', requested_by: 'Ada', via: 'console', reason: 'maintenance of the database' },
    { action: 'resume', requested_by: 'Ada', via: 'console', reason: null },
  ])
})
