import { expect, test } from 'vitest'
import { aConsole, keepScreenshot } from '../support/browser.ts'
import { aBrokenMessage, aLiveMessage, identityOf, marked, mended, roles } from '../support/messages.ts'
import { waitFor } from '../support/wait-for.ts'

/** What the console calls the group of records that aBrokenMessage makes. */
const GROUP = `schema_violation ${roles.other}`

test('a bad record is found, corrected, sent again and loaded', async () => {
  const { page, world, logIn, open, expectAccessible } = await aConsole()
  const bad = aBrokenMessage()
  await world.produce([...Array.from({ length: 40 }, () => aLiveMessage()), bad])
  await world.drained()
  await logIn()
  await page.getByRole('link', { name: 'Dead letters' }).first().click()
  await page.getByRole('link', { name: GROUP, exact: true }).click()
  await page.getByRole('table', { name: 'Dead letters', exact: true }).getByRole('link').first().click()
  await page.getByRole('link', { name: 'Correct and redrive' }).click()

  const value = page.getByLabel('Value')
  expect(await value.inputValue()).toBe(JSON.stringify(bad))
  await page.getByRole('button', { name: 'Check' }).click()
  await page.getByRole('alert').getByText('It would be a dead letter again').waitFor()
  await value.fill(JSON.stringify(mended(bad)))
  await page.getByRole('button', { name: 'Check' }).click()
  await page.getByText('It would be accepted').waitFor()
  await expectAccessible()
  await keepScreenshot(page, 'corrected')
  await page.getByLabel('Reason').fill('the till sent the wrong sign')
  await page.getByRole('button', { name: 'Redrive' }).click()
  await page.getByText('1 record sent again').waitFor()

  await waitFor('the record to be loaded', async () =>
    (await world.facts()).find(({ identity }) => identity === identityOf(bad)),
  )
  const [letter] = await world.deadLetters()
  await open(`/dead-letters/${letter!.id}`)
  await page.getByText('Resolved at').waitFor()
  await keepScreenshot(page, 'resolved')
  await world.assertBalanced()
})

test('a group is sent again with a reason, and says how far it came', async () => {
  const { page, world, logIn, open } = await aConsole()
  await world.produce([
    ...Array.from({ length: 60 }, () => aLiveMessage()),
    ...Array.from({ length: 12 }, () => aBrokenMessage()),
    'no JSON',
  ])
  await world.drained()
  await logIn()
  await open('/dead-letters')
  await page.getByRole('link', { name: `Redrive ${GROUP}` }).click()
  await page.getByRole('heading', { name: 'Redrive 12 open dead letters?' }).waitFor()
  await page.getByLabel('Reason').fill('see whether the new rule takes them')
  await page.getByRole('button', { name: 'Redrive 12' }).click()
  await page.getByText('12 records sent again').waitFor()
  await page.getByText('see whether the new rule takes them').first().waitFor()
  await page.getByText('Ada').first().waitFor()
  await keepScreenshot(page, 'bulk-redrive')

  // They are as wrong as they were: each is a dead letter again, and says of which.
  await waitFor('them to fail again', async () => (await world.deadLetters()).length >= 25)
  expect(await world.deadLetters()).toHaveLength(25)
  await world.assertBalanced()
})

const HOSTILE = `"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>`

test('hostile bytes are shown, and nowhere run', async () => {
  const { page, world, logIn, open } = await aConsole()
  const fact = aLiveMessage(marked('<b>&hacked'))
  await world.produceRecords([
    { key: HOSTILE, value: Buffer.from(JSON.stringify(fact)), partition: 0 },
    { key: HOSTILE, value: Buffer.from(HOSTILE), partition: 0, headers: { [HOSTILE]: Buffer.from(HOSTILE) } },
    {
      key: HOSTILE,
      value: Buffer.from(JSON.stringify(aLiveMessage({ [roles.other]: HOSTILE, [HOSTILE]: HOSTILE }))),
      partition: 0,
    },
  ])
  await world.drained()
  // Texts of errors may quote anything.
  const { rows } = await world.pool.query<{ id: string }>(
    'update audit.pipeline_runs set error = $1 where id = (select max(id) from audit.pipeline_runs) returning id',
    [HOSTILE],
  )
  await world.pool.query(
    "update audit.partition_progress set stop_code = 'mass_rejection', stop_reason = $1",
    [HOSTILE],
  )
  await logIn(undefined, '<img src=x onerror=hacked=3>')
  const letters = await world.deadLetters()
  expect(letters).toHaveLength(2)
  for (const path of [
    '/',
    '/runs',
    `/runs/${rows[0]!.id}`,
    '/dead-letters',
    `/dead-letters?text=${encodeURIComponent(HOSTILE)}`,
    ...letters.flatMap(({ id }) => [`/dead-letters/${id}`, `/dead-letters/${id}/edit`]),
    '/dead-letters/redrive?state=open',
    '/actions',
    '/alerts',
  ]) {
    await open(path)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    expect(
      await page
        .locator('[onerror], main script:not([type="application/json"]), main b')
        .evaluateAll((found) => found.map(String)),
    ).toEqual([])
    expect(await page.evaluate('window.hacked')).toBeUndefined()
  }
  await open(`/dead-letters/${letters[0]!.id}`)
  expect(await page.locator('main').innerText()).toContain('onerror=')
})
