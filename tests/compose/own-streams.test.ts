import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { aProject } from './project.ts'

/** Somebody else's platform: a folder with streams, the image, and deploy/own-streams.yaml on top of the rest. */

const VISITS = Array.from({ length: 60 }, (_, i) => ({
  visit_id: `visit-${i}`,
  at: new Date(Date.UTC(2026, 10, 21) + i * 60_000).toISOString(),
  page: ['/', '/about'][i % 2],
  ...(i % 3 > 0 && { seconds: i }),
}))

describe.skipIf(inject('withoutEngine') !== undefined)(
  'streams in a folder of their own, on the image',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'pulse-own-'))
    const streams = join(folder, 'streams')
    const project = aProject({
      files: ['docker-compose.yaml', 'docker-compose.test.yaml', 'deploy/own-streams.yaml'],
      // Compose is run in the folder.
      env: { PWD: folder, PRODUCER_RATE: '20', PRODUCER_INVALID_RATIO: '0.1' },
    })
    const user = `${process.getuid?.() ?? 1000}:${process.getgid?.() ?? 1000}`
    const tools = (...args: string[]) =>
      project.compose('run', '--rm', '-T', '--user', user, 'tools', ...args)

    beforeAll(async () => {
      mkdirSync(streams)
      writeFileSync(join(streams, 'visits.ndjson'), VISITS.map((visit) => JSON.stringify(visit)).join('\n'))
      await project.compose('build', '--quiet', 'tools')
    })
    afterAll(async () => {
      await project.down()
      rmSync(folder, { recursive: true })
    })

    test('tools writes a declaration and its migration into the folder, and finds it in order', async () => {
      const said = await tools('new-stream', '--', 'visits', '--sample', '/streams/visits.ndjson')
      expect(said).toContain('60 records of /streams/visits.ndjson; the declaration takes all of them.')
      expect(readFileSync(join(streams, 'visits/visits.ts'), 'utf8')).toContain('seconds: int().optional()')
      expect(await tools('generate-migration', '--', '--name', 'visits')).toBe(
        ['migrations/0000_visits.sql', 'contracts/visits.json', 'docs/streams/visits.md']
          .map((file) => `Written: /streams/${file}\n`)
          .join(''),
      )
      expect(await tools('check-streams')).toBe(
        'Declared: visits\ntypes: in order\nmigrations: they make what is declared\n',
      )
    })

    test('the platform runs with the folder mounted read-only, and its records reconcile', async () => {
      await project.up()
      const visits = async () => Number(await project.sql('select count(*) from warehouse.visits'))
      await waitFor('visits to be loaded', async () => (await visits()) > 100, {
        limitMs: 90_000,
        everyMs: 500,
      })
      const { code, stdout } = await project.pulse('reconcile')
      expect(stdout).toContain('Balanced')
      expect(code).toBe(0)
      const write = await project.tryCompose('exec', '-T', 'etl', 'touch', '/streams/x')
      expect(write.stderr).toContain('Read-only file system')
      expect(await project.sql(`select to_regclass('warehouse.transactions') is null`)).toBe('t')
    })
  },
)
