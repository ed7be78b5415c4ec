import { expect, test } from 'vitest'
import { aConsole } from '../support/browser.ts'
import { VIEWER_PASSWORD } from '../support/console.ts'

test('one logs in, comes to where one wanted to go, and logs out for good', async () => {
  const { page, url, open, logIn } = await aConsole()
  await open('/runs')
  expect(page.url()).toBe(`${url}/login?next=%2Fruns`)
  await page.getByLabel('Your name').fill('Ada')
  await page.getByLabel('Password').fill('operators-sEcReT-1')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor()
  expect(page.url()).toBe(`${url}/runs`)
  await page.getByText('Ada').first().waitFor()

  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Password').waitFor()
  await page.goBack()
  await page.getByLabel('Password').waitFor()
  await logIn(VIEWER_PASSWORD, 'Grace')
  await page.getByText('read-only').first().waitFor()
})

test('a wrong password is said, to a screen reader too, and lets nobody in', async () => {
  const { page, url, open, logIn, expectAccessible } = await aConsole({ expectedFaults: /status of 401/ })
  await logIn('not the password')
  await page.getByRole('alert').getByText('That is not the password.').waitFor()
  expect(await page.title()).toContain('Log in')
  await expectAccessible()
  await open('/')
  expect(page.url()).toBe(`${url}/login?next=%2F`)
})

test('a form without its token does nothing', async () => {
  const { page, world, open, logIn } = await aConsole({ expectedFaults: /status of 403/ })
  await logIn()
  await open('/actions')
  await page.evaluate(`{
    for (const field of document.querySelectorAll('input[name=_csrf]')) field.remove()
    const form = document.querySelector('form[action="/actions/pause"]')
    form.noValidate = true
    form.submit()
  }`)
  await page.getByRole('alert').getByText('no valid token').waitFor()
  const { rows } = await world.pool.query('select 1 from audit.operator_actions')
  expect(rows).toEqual([])
})
