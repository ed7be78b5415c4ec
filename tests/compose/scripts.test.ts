import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { command } from './project.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'pulse-scripts-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const root = new URL('../../', import.meta.url).pathname

const fill = async () => {
  copyFileSync(join(root, '.env.example'), join(folder, '.env.example'))
  const { code } = await command('scripts/compose/env-fill.sh', [folder])
  expect(code).toBe(0)
  return readFileSync(join(folder, '.env'), 'utf8')
}
const passwords = (text: string) =>
  [
    ...text.matchAll(
      /^(POSTGRES_PASSWORD|PULSE_\w+_PASSWORD|GRAFANA_ADMIN_PASSWORD|CONSOLE_PASSWORD)=(.*)$/gm,
    ),
  ].map((match) => match[2]!)

const secrets = (what: string) =>
  command('scripts/compose/secrets.sh', [what], { SECRETS_DIR: join(folder, 'secrets') })

describe('.env', () => {
  test('is made from .env.example with five different passwords, for its owner only', async () => {
    const text = await fill()
    expect(new Set(passwords(text)).size).toBe(5)
    for (const password of passwords(text)) expect(password).toMatch(/^[0-9a-f]{40}$/)
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600)
    expect(text.split('\n').length).toBe(
      readFileSync(join(folder, '.env.example'), 'utf8').split('\n').length,
    )
  })

  test('keeps what is set, fills what is blank and adds what is missing', async () => {
    writeFileSync(join(folder, '.env'), 'POSTGRES_PASSWORD=mine\nPULSE_ETL_PASSWORD=\nETL_PORT=9999', {
      mode: 0o644,
    })
    const text = await fill()
    expect(text).toMatch(
      /^POSTGRES_PASSWORD=mine\nPULSE_ETL_PASSWORD=[0-9a-f]{40}\nETL_PORT=9999\nPULSE_GRAFANA_PASSWORD=[0-9a-f]{40}\nGRAFANA_ADMIN_PASSWORD=[0-9a-f]{40}\nCONSOLE_PASSWORD=[0-9a-f]{40}\n$/,
    )
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600)
  })

  test('is the same after another time', async () => {
    const first = await fill()
    expect(await fill()).toBe(first)
  })
})

describe('production’s secrets', () => {
  test('a start without them names each one and its purpose', async () => {
    const { code, stderr } = await secrets('check')
    expect(code).toBe(1)
    for (const name of [
      'postgres_password',
      'etl_database_url',
      'grafana_database_password',
      'grafana_admin_password',
      'console_password',
    ])
      expect(stderr).toContain(`${name} is missing`)
    expect(stderr).toContain('make prod-secrets')
  })

  test('are made up only where they are missing, in a folder for its owner only', async () => {
    expect((await secrets('make')).code).toBe(0)
    const file = join(folder, 'secrets', 'postgres_password')
    writeFileSync(file, 'mine\n')
    expect((await secrets('make')).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe('mine\n')
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700)
    expect((await secrets('check')).code).toBe(0)
  })

  test('a blank one, a short one, and a URL without a password, are refused', async () => {
    await secrets('make')
    writeFileSync(join(folder, 'secrets', 'grafana_admin_password'), ' \n')
    writeFileSync(join(folder, 'secrets', 'etl_database_url'), 'postgres://pulse_etl@postgres/pulse\n')
    writeFileSync(join(folder, 'secrets', 'console_password'), 'elevenchars\n')
    const { code, stderr } = await secrets('check')
    expect(code).toBe(1)
    expect(stderr).toMatch(/grafana_admin_password is blank[^]*console_password is too short[^]*3 of 5/)
    expect(stderr).toContain('etl_database_url is not a URL with user and password')
  })
})

test('another major version of Postgres is refused in plain words, before anything is touched', async () => {
  writeFileSync(join(folder, 'PG_VERSION'), '16\n')
  writeFileSync(join(folder, 'postgres'), '#!/bin/sh\necho "postgres (PostgreSQL) 17.5 (Debian)"\n', {
    mode: 0o755,
  })
  const { code, stderr } = await command('sh', ['deploy/postgres/same-major.sh', 'postgres'], {
    PGDATA: folder,
    PATH: `${folder}:${process.env['PATH']}`,
  })
  expect(code).toBe(1)
  expect(stderr).toContain('written by PostgreSQL 16 and this image is PostgreSQL 17')
})
