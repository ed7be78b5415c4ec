import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { countedTable } from '../../etl/stream/stored.ts'
import { streams } from '../../streams/index.ts'
import { waitFor } from '../support/wait-for.ts'
import { aProject, docker, drained, FACTS, IDENTITY } from './project.ts'

/** Of each stream, in SQL. */
const loaded = streams.map((one) => `(select count(*) from warehouse.${countedTable(one)})`)

describe.skipIf(inject('withoutEngine') !== undefined)('a crash while data flow', () => {
  const project = aProject({
    files: ['docker-compose.yaml', 'docker-compose.test.yaml', 'tests/compose/durable.yaml'],
    env: { PRODUCER_RATE: '100', PRODUCER_INVALID_RATIO: '0.02', PRODUCER_DUPLICATE_RATIO: '0.02' },
  })
  beforeAll(() => project.up())
  afterAll(async () => {
    await project.down()
  })

  const consumed = () =>
    project
      .sql('select coalesce(sum(consumed), 0) from audit.pipeline_batches')
      .then(Number)
      .catch(() => 0) // while Postgres is coming back

  test.each(['etl', 'postgres', 'kafka'])(
    'of %s: it comes back by itself and the data flow on',
    async (service) => {
      await waitFor('data', async () => (await consumed()) > 0, { limitMs: 60_000, everyMs: 500 })
      await project.crash(service)
      expect((await project.inspect(service)).State.Status).toBe('running')
      const after = await waitFor('the warehouse', consumed, { limitMs: 60_000, everyMs: 500 })
      await waitFor(`more after the crash of ${service}`, async () => (await consumed()) > after + 300, {
        limitMs: 120_000,
        everyMs: 500,
      })
    },
  )

  test('in the end nothing is lost and nothing is twice', async () => {
    await project.compose('stop', 'producer')
    const records = await drained(project)
    const facts = await project.sql(`select ${loaded.join(' + ')} + (select count(*) from audit.dead_letters)
      + (select sum(duplicate) from audit.pipeline_batches)`)
    expect(Number(facts)).toBe(records)
    expect(await project.sql(`select count(*) - count(distinct (${IDENTITY})) from ${FACTS}`)).toBe('0')

    // The producer is the other witness: what Kafka acknowledged to it is there.
    const { Id } = await project.inspect('producer')
    const last = (await docker('logs', Id)).split('\n').findLast((line) => line.includes('"total"'))
    const { total, inDoubt } = JSON.parse(last ?? '{}') as { total: number; inDoubt: number }
    expect(records).toBeGreaterThanOrEqual(total)
    expect(records).toBeLessThanOrEqual(total + inDoubt)

    const { code, stdout } = await project.pulse('reconcile', '--deep')
    expect(stdout).toContain('Balanced')
    expect(code).toBe(0)
  })
})
