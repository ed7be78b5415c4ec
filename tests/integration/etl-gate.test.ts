import { expect, test } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

/** Starts the ETL, which must refuse to run; what it says, after its exit code was checked. */
async function refusal(world: World, env: Record<string, string> = {}, code = 1): Promise<string> {
  const etl = world.startEtl(env)
  await waitFor('it to end', () => !etl.isRunning(), { limitMs: 20_000 })
  expect(await etl.exited).toBe(code)
  return etl.output()
}

test.for([
  [
    'a changed migration',
    `update schema_migrations set hash = 'another' where id = 1`,
    /migration 0000_\w+ was changed after it was applied: restore the file/,
  ],
  [
    'a missing migration',
    'delete from schema_migrations where id = (select max(id) from schema_migrations)',
    /the warehouse lacks migration \w+: run npm run migrate/,
  ],
  [
    'a newer migration',
    `insert into schema_migrations (tag, hash) values ('0099_newer', 'x')`,
    /the warehouse has migration 0099_newer of a newer version/,
  ],
  [
    'other migrations',
    `update schema_migrations set tag = '0000_other' where id = 1`,
    /has migration 0000_other where this version has/,
  ],
  ['no migration', 'drop table schema_migrations', /never migrated: run npm run migrate/],
] as const)('a warehouse with %s is refused', async ([, tampering, said]) => {
  const world = await aWorld({ partitions: 1 })
  await world.pool.query(tampering)
  expect(await refusal(world)).toMatch(said)
  expect(await world.watermarks()).toEqual([])
})

test('a login that is not a member of the loader is refused, and its password is not in the log', async () => {
  const world = await aWorld({ partitions: 1 })
  const url = new URL(world.env['DATABASE_URL']!)
  url.password = 'hunter2'
  const said = await refusal(world, { DATABASE_URL: url.href })
  expect(said).toContain('password authentication failed')
  expect(said).not.toContain('hunter2')
})

test('a bad configuration ends it with 2, in words', async () => {
  const world = await aWorld({ partitions: 1 })
  expect(await refusal(world, { BATCH_SIZE: 'many' }, 2)).toContain('BATCH_SIZE "many" is not a whole number')
  expect(await refusal(world, { ETL_SCHEDULE: 'often' }, 2)).toContain('ETL_SCHEDULE "often"')
})

test('what is missing is waited for, and a stop while waiting ends it with 0', async () => {
  const world = await aWorld({ withoutTopics: true })
  const etl = world.startEtl()
  await etl.waitForLine(`waiting for topic ${world.topic}`)
  expect(await etl.stop()).toBe(0)

  const offline = world.startEtl({ DATABASE_URL: 'postgres://u:p@127.0.0.1:1/db' })
  await offline.waitForLine('waiting for the warehouse')
  expect(await offline.stop()).toBe(0)
})
