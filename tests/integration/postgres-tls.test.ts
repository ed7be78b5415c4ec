import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { readMigrations, waitForWarehouse } from '../../etl/postgres/migrations.ts'
import type { Child } from '../support/child.ts'
import { aBacklog } from '../support/fault-backlog.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { aTlsPostgres, withParameters, type TlsPostgres } from '../support/tls-postgres.ts'
import { aWorld, type World } from '../support/world.ts'

let postgres: TlsPostgres
let skipped: string | undefined
beforeAll(async () => {
  const started = await aTlsPostgres()
  if (typeof started === 'string') skipped = started
  else postgres = started
})
beforeEach(({ skip }) => skip(skipped !== undefined, skipped))
afterAll(() => skipped === undefined && postgres.stop())

const tlsWorld = (): Promise<World> =>
  aWorld({
    partitions: 1,
    servers: { kafkaBrokers: inject('kafkaBrokers'), databaseUrl: postgres.databaseUrl },
  })

test('with sslmode=verify-full everything works, and every connection is encrypted', async () => {
  const world = await tlsWorld()
  const etl = world.startEtl()
  await expectExactly(world, await aBacklog(world, 200), 60_000)

  const { rows } = await world.pool.query<{ ssl: boolean }>(
    `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where datname = current_database()`,
  )
  expect(rows.length).toBeGreaterThan(3)
  expect(rows.filter(({ ssl }) => !ssl)).toEqual([])
  for (const [script, ...args] of [
    ['scripts/migrate.ts'],
    ['scripts/validate-schema.ts'],
    ['scripts/pulse.ts', 'reconcile', '--deep'],
  ] as const) {
    const program = world.startProgram(script, args)
    expect(await endOf(program)).toMatchObject({ code: 0 })
    expect(program.output()).not.toContain('SECURITY WARNING')
  }
  expect(await etl.stop()).toBe(0)
})

/** What is wrong, the URL that makes it so, and what is said of it. */
const wrongs: Record<string, [() => string, RegExp]> = {
  'another CA': [
    () =>
      withParameters(postgres.databaseUrl, { sslmode: 'verify-full', sslrootcert: postgres.strangers.ca }),
    /not signed by a CA .* sslrootcert in (MIGRATION_)?DATABASE_URL/,
  ],
  'no CA': [
    () => withParameters(postgres.databaseUrl, { sslmode: 'verify-full' }),
    /not signed by a CA .* sslrootcert in (MIGRATION_)?DATABASE_URL/,
  ],
  'another name': [
    () => postgres.databaseUrl.replace('127.0.0.1', 'localhost'),
    /for another name.*the host in DATABASE_URL/,
  ],
  'no sslmode': [
    () => withParameters(postgres.databaseUrl, {}),
    /DATABASE_URL without TLS .*sslmode=verify-full/,
  ],
  'sslmode=disable': [
    () => withParameters(postgres.databaseUrl, { sslmode: 'disable' }),
    /DATABASE_URL without TLS .*sslmode=verify-full/,
  ],
  'TLS where there is none': [
    () => withParameters(inject('databaseUrl'), { sslmode: 'verify-full' }),
    /DATABASE_URL wants TLS .*the server has none/,
  ],
}

describe('a connection is refused, and the parameter is named, with', () => {
  test.for(Object.entries(wrongs))('%s', async ([, [url, said]]) => {
    const logger = pino({ level: 'silent' })
    const pool = createPool(readConfig(['database'], { DATABASE_URL: url() }), 'pulse_loader', logger)
    await expect(
      waitForWarehouse(pool, readMigrations(), logger, AbortSignal.timeout(20_000)),
    ).rejects.toThrow(said)
    await pool.end()
  })
})

test('each program says so, and not the password', async () => {
  const world = await tlsWorld()
  const [url, said] = wrongs['another CA']!
  const env = { DATABASE_URL: url(), LOG_LEVEL: 'trace' }
  const { password } = new URL(env.DATABASE_URL)
  const programs = [
    world.startEtl(env),
    world.startProgram('scripts/migrate.ts', [], env),
    world.startProgram('scripts/validate-schema.ts', [], env),
    world.startProgram('scripts/pulse.ts', ['status'], env),
    world.startProgram('scripts/logins.ts', [], { ...env, MIGRATION_DATABASE_URL: env.DATABASE_URL }),
  ]
  for (const program of programs) {
    expect(await endOf(program)).toMatchObject({ code: 1 })
    expect(program.output()).toMatch(said)
    expect(program.output()).not.toContain(password)
  }
})

/** How a program ended, and everything that it said. */
async function endOf(program: Child): Promise<{ code: number | null; output: string }> {
  const code = await program.exited
  return { code, output: program.output() }
}
