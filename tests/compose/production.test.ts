import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { secretsIn } from '../support/secrets.ts'
import { aProject, command, docker, drained, SERVICES } from './project.ts'

describe.skipIf(inject('withoutEngine') !== undefined)('production', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pulse-production-'))
  const project = aProject({
    files: ['docker-compose.yaml', 'docker-compose.prod.yaml'],
    env: {
      SECRETS_DIR: folder,
      ETL_SCHEDULE: '*/2 * * * * *',
      ETL_WORKERS: '2',
      PRODUCER_RATE: '50',
      KAFKA_HEAP_OPTS: '-Xms256m -Xmx512m',
    },
  })
  beforeAll(async () => {
    await command('scripts/compose/secrets.sh', ['make'], { SECRETS_DIR: folder })
    await project.compose(
      'up',
      '--detach',
      '--wait',
      '--wait-timeout',
      '280',
      ...SERVICES,
      'kafka-2',
      'kafka-3',
    )
  })
  afterAll(async () => {
    await project.down()
    rmSync(folder, { recursive: true })
  })

  const consumed = async () =>
    Number(await project.sql('select coalesce(sum(consumed), 0) from audit.pipeline_batches'))
  const flowsOn = async () => {
    const now = await consumed()
    await waitFor('data to flow on', async () => (await consumed()) > now + 200, {
      limitMs: 120_000,
      everyMs: 500,
    })
  }
  const topic = (...args: string[]) =>
    project.compose(
      'exec',
      '-T',
      'kafka',
      '/opt/kafka/bin/kafka-topics.sh',
      '--bootstrap-server',
      'kafka:9092',
      '--describe',
      ...args,
    )

  test('each partition is on three brokers, and two must have a record', async () => {
    const described = await topic('--topic', 'transactions')
    expect(described).toContain('ReplicationFactor: 3')
    expect(described).toContain('min.insync.replicas=2')
  })

  test('two workers share the partitions', async () => {
    const workers = `select count(distinct worker) from audit.pipeline_batches join audit.pipeline_runs on id = run_id`
    await expect.poll(() => project.sql(workers), { timeout: 60_000, interval: 500 }).toBe('2')
  })

  test('no secret is in a container’s settings, its processes, its log or the image', async () => {
    const secrets = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8').trim())
    // Of a URL the password alone would do.
    secrets.push(new URL(readFileSync(join(folder, 'etl_database_url'), 'utf8').trim()).password)
    const containers = (await project.compose('ps', '--all', '--quiet')).trim().split('\n')
    const running = (await project.compose('ps', '--quiet')).trim().split('\n')
    const image = `global-sales-pulse:${project.env['PULSE_VERSION']}`
    const seen = [
      ...secretsIn('docker inspect', await docker('inspect', ...containers), secrets),
      ...secretsIn('the logs', await project.compose('logs', '--no-color'), secrets),
      ...secretsIn('the image', await docker('image', 'inspect', image), secrets),
      ...secretsIn('its layers', await docker('history', '--no-trunc', image), secrets),
    ]
    for (const id of running) seen.push(...secretsIn('docker top', await docker('top', id), secrets))
    expect(containers.length).toBeGreaterThan(6)
    expect(seen).toEqual([])
    const files = await project.compose('exec', '-T', 'etl', 'ls', '-A', '/app')
    expect(files.split('\n').filter((name) => /^(\.env|\.git|secrets|backups)$/.test(name))).toEqual([])
  })

  test('the loss of one broker stops nothing, and it catches up when it is back', async () => {
    await flowsOn()
    await project.compose('stop', '--timeout', '1', 'kafka-2')
    await flowsOn()
    await project.compose('start', 'kafka-2')
    await waitFor(
      'all replicas to be in sync',
      async () => (await topic('--under-replicated-partitions')).trim() === '',
      {
        limitMs: 120_000,
        everyMs: 2_000,
      },
    )
    await project.compose('stop', 'producer')
    await drained(project)
    const { code, stdout } = await project.pulse('reconcile', '--deep')
    expect(stdout).toContain('Balanced')
    expect(code).toBe(0)
  })
})
