import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChild } from '../support/child.ts'

/** Streams in a folder outside of this package, as the programs load them: in a process of their own. */

const VISITS = `
import { defineStream, instant, text, uuid } from 'global-sales-pulse/streams'

export const visits = defineStream('visits', {
  title: 'visit',
  topic: { key: 'page' },
  fields: { visit_id: uuid(), at: instant(), page: text(200) },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'visit_id', scope: 'event_time' },
})
`
const LISTED = `import { visits } from './visits/visits.ts'\n`
const withVisits = (index: string, more: Record<string, string> = {}) => ({
  'visits/visits.ts': VISITS,
  'index.ts': LISTED + index,
  ...more,
})

const FOLDERS: Record<string, Record<string, string>> = {
  good: withVisits('export const streams = [visits]'),
  parts: withVisits('export const streams = [visits]', {
    'pages.ts': `export const pages = [{ path: '/visits' }]`,
    'dashboards.ts': 'export const dashboards = {}',
  }),
  empty: {},
  no_list: { 'index.ts': 'export const streams = 3' },
  no_export: { 'index.ts': 'export const stream = []' },
  no_stream: { 'index.ts': `export const streams = [{ name: 'visits' }]` },
  twice: withVisits('export const streams = [visits, visits]'),
  no_file: { 'index.ts': `import { a } from './a.ts'\nexport const streams = [a]` },
  no_package: { 'index.ts': `import { z } from 'a-package'\nexport const streams = [z]` },
  no_word: withVisits('export const streams = [visits]', {
    'visits/visits.ts': VISITS.replaceAll('uuid', 'guid'),
  }),
  cannot_be: withVisits('export const streams = [visits]', {
    'visits/visits.ts': VISITS.replace(`eventTime: 'at'`, `eventTime: 'page'`),
  }),
  syntax: { 'index.ts': 'export const streams = [\n  3 3' },
  throws: { 'index.ts': `\nthrow new Error('not today')` },
  no_pages: withVisits('export const streams = [visits]', { 'pages.ts': 'export const other = 1' }),
}

const root = mkdtempSync(join(tmpdir(), 'pulse-streams-'))
const outcomes: Record<string, unknown> = {}
const at = (file: string) => join(root, file)

beforeAll(async () => {
  for (const [folder, files] of Object.entries(FOLDERS)) {
    mkdirSync(at(folder))
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(at(folder), file)), { recursive: true })
      writeFileSync(join(at(folder), file), text)
    }
  }
  symlinkSync(at('good'), at('linked'))
  const names = [...Object.keys(FOLDERS), 'linked', 'missing', 'good/index.ts']
  const child = startChild('tests/support/load-streams.ts', {}, names.map(at))
  if ((await child.exited) !== 0) throw new Error(child.output())
  const said = JSON.parse(child.output()) as Record<string, unknown>
  for (const name of names) outcomes[name] = said[at(name)]
})
afterAll(() => rmSync(root, { recursive: true }))

test.for(['good', 'linked'])('streams are loaded from any folder: %s', (folder) => {
  expect(outcomes[folder]).toEqual({ names: ['visits'], pages: [], alerts: [] })
})

test('pages and dashboards are loaded where they are there, alerts where dashboards.ts has some', () => {
  expect(outcomes['parts']).toEqual({ names: ['visits'], pages: [{ path: '/visits' }], alerts: [] })
})

test.for([
  ['missing', `STREAMS_DIR: ${at('missing')} is no folder; it must be one with an index.ts`],
  ['good/index.ts', 'index.ts is no folder'],
  ['empty', `${at('empty')} has no index.ts`],
  ['empty', 'npm run new-stream -- NAME --sample messages.ndjson writes a first one'],
  ['no_list', 'no_list/index.ts: streams must be the list of what defineStream made, such as [visits]'],
  ['no_export', 'no_export/index.ts exports no streams: it must export const streams = …'],
  ['no_stream', 'no_stream/index.ts: streams[0] is nothing that defineStream made'],
  ['twice', 'twice/index.ts: two streams are named visits'],
  ['no_file', `Cannot find module '${at('no_file/a.ts')}' imported from ${at('no_file/index.ts')}`],
  ['no_package', `Cannot find package 'a-package' imported from ${at('no_package/index.ts')}`],
  [
    'no_package',
    `a declaration may import global-sales-pulse/streams, files beside it and Node's own modules`,
  ],
  ['no_word', `visits/visits.ts:2: The requested module 'global-sales-pulse/streams' does not provide`],
  [
    'cannot_be',
    'visits/visits.ts:4: Stream visits:\n  eventTime is page, a field of kind text; it must be instant',
  ],
  ['syntax', `syntax/index.ts:2: Expected ','`],
  ['throws', 'throws/index.ts:2: not today'],
  ['no_pages', 'no_pages/pages.ts exports no pages'],
] as const)('%s is refused: %s', ([folder, said]) => {
  expect(outcomes[folder]).toMatch(/^InstallationError: /)
  expect(outcomes[folder]).toContain(said)
})

test('a program ends with the sentence and exit code 2', async () => {
  const child = startChild('etl/main.ts', { STREAMS_DIR: at('twice') })
  expect(await child.exited).toBe(2)
  expect(child.output()).toBe(`${at('twice/index.ts')}: two streams are named visits\n`)
})
