import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { aProject } from './project.ts'

const BREAKS = [
  [
    'does not run',
    'create table warehouse.fresh (id bigint primary key);\n--> statement-breakpoint\nselect 1 / 0;',
  ],
  ['leaves a schema that is not valid', 'create table warehouse.fresh (id bigint);'],
] as const

describe.skipIf(inject('withoutEngine') !== undefined)('the gate before the warehouse', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pulse-gate-'))
  const overlay = join(folder, 'broken.yaml')
  const migrations = join(folder, 'migrations')
  writeFileSync(overlay, `services: {db-init: {volumes: ["${migrations}:/app/migrations:ro"]}}\n`)
  const whole = aProject()
  const broken = aProject({
    files: ['docker-compose.yaml', 'docker-compose.test.yaml', overlay],
    env: { COMPOSE_PROJECT_NAME: whole.name },
  })

  beforeAll(() => whole.compose('up', '--detach', '--wait', '--wait-timeout', '240', 'kafka', 'postgres'))
  beforeAll(() => whole.compose('run', '--rm', 'db-init'))
  afterAll(async () => {
    await whole.down()
    rmSync(folder, { recursive: true })
  })

  /** Every relation with its columns, and every migration on record. */
  const database = () =>
    whole.sql(`select string_agg(c.oid::regclass || ' ' || a.attname || ' ' || a.atttypid::regtype, ',' order by 1)
      || (select string_agg(tag || hash, ',' order by id) from audit.schema_migrations)
      from pg_class c join pg_attribute a on a.attrelid = c.oid and attnum > 0
      where relnamespace in ('warehouse'::regnamespace, 'audit'::regnamespace)`)

  test.each(BREAKS)(
    'a migration that %s: db-init failed, the ETL never started, the database as it was',
    async (_, sql) => {
      cpSync('migrations', migrations, { recursive: true, force: true })
      const journal = join(migrations, 'meta', '_journal.json')
      const { entries, ...rest } = JSON.parse(readFileSync(journal, 'utf8')) as { entries: { idx: number }[] }
      writeFileSync(
        journal,
        JSON.stringify({ ...rest, entries: [...entries, { idx: entries.length, tag: '9999_broken' }] }),
      )
      writeFileSync(join(migrations, '9999_broken.sql'), sql)

      const before = await database()
      const { code, stderr } = await broken.tryCompose('up', '--detach', 'etl', 'producer')
      expect(code).not.toBe(0)
      expect(stderr).toContain('db-init')
      expect((await whole.inspect('db-init')).State).toMatchObject({ Status: 'exited', ExitCode: 1 })
      for (const service of ['etl', 'producer'])
        expect((await whole.inspect(service)).State).toMatchObject({ Status: 'created', Pid: 0 })
      expect(await whole.compose('logs', '--no-log-prefix', 'db-init')).toContain('the gate is shut')
      expect(await database()).toBe(before)
    },
  )

  test('with the migrations that are right, the same containers start', async () => {
    await whole.up()
    expect((await whole.inspect('etl')).State.Status).toBe('running')
  })
})
