import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { ensureLogins, grafanaLogin } from '../../scripts/logins.ts'
import { aWorld } from '../support/world.ts'

const wanted = grafanaLogin('not-a-secret')

/** Grafana's login under another name, as Compose makes it; opens sessions of it. */
async function aLogin(settings: Readonly<Record<string, string>> = {}): Promise<() => Promise<Client>> {
  const world = await aWorld({ withoutTopics: true })
  const login = `grafana_${randomBytes(4).toString('hex')}`
  const left = await ensureLogins(world.env['DATABASE_URL']!, [
    { ...wanted, name: login, settings: { ...wanted.settings, ...settings } },
  ])
  expect(left).toEqual([])
  const url = new URL(world.env['DATABASE_URL']!)
  url.username = login
  url.password = wanted.password
  const clients: Client[] = []
  onTestFinished(async () => {
    await Promise.all(clients.map((client) => client.end()))
    const admin = new Client({ connectionString: world.env['DATABASE_URL'] })
    await admin.connect()
    await admin.query(`drop role ${login}`)
    await admin.end()
  })
  return async () => {
    const client = new Client({ connectionString: url.href })
    client.on('error', () => undefined)
    await client.connect()
    clients.push(client)
    return client
  }
}

test('Grafana’s login has as many connections as its data source wants, and not many more', async () => {
  const open = await aLogin()
  const limit = wanted.connectionLimit!
  await Promise.all(Array.from({ length: limit }, open))
  await expect(open()).rejects.toThrow(/too many connections for role/)

  const file = new URL('../../grafana/provisioning/datasources/warehouse.yaml', import.meta.url)
  const { datasources } = parse(readFileSync(file, 'utf8')) as {
    datasources: { jsonData: { maxOpenConns: number } }[]
  }
  expect(datasources[0]!.jsonData.maxOpenConns).toBeLessThan(limit)
})

test('it begins each session with its limits, and can’t lift that of temporary files', async () => {
  const open = await aLogin()
  const client = await open()
  const { rows } = await client.query<{ name: string; value: string }>(
    `select name, current_setting(name) as value from pg_settings where source = 'user'`,
  )
  expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual(wanted.settings)
  await expect(client.query('set temp_file_limit = -1')).rejects.toThrow(/permission denied/)
  await expect(client.query('create table public.mine ()')).rejects.toThrow(/read-only transaction/)
})

test('its limits cut it off', async () => {
  const open = await aLogin({
    statement_timeout: '100ms',
    temp_file_limit: '64kB',
    transaction_timeout: '1s',
  })
  const client = await open()
  await expect(client.query('select pg_sleep(30)')).rejects.toThrow(/due to statement timeout/)
  await client.query(`set statement_timeout = 0; set work_mem = '64kB'`)
  await expect(
    client.query('select n from generate_series(1, 100000) n order by n desc offset 99999'),
  ).rejects.toThrow(/temporary file size exceeds temp_file_limit/)
  await client.query('begin')
  await expect(client.query('select pg_sleep(30)')).rejects.toThrow(/transaction timeout/)
})
