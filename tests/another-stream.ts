import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/**
 * Runs the suites once more, in a copy of the checkout whose only stream is the tests' own: what they say of the
 * engine, they say of any stream. `make test-another-stream`
 *
 * SUITES: which, of unit, integration, faults, browser, fuzz and storm; "unit integration" unless told. Arguments are
 * names of test files, as vitest takes them. The copy is removed where all passed.
 */

const root = resolve(import.meta.dirname, '..')
/** Suites that are programs of their own, with settings of their own: KILLS, FUZZ_RECORDS and so on. */
const PROGRAMS: Readonly<Record<string, string>> = {
  fuzz: 'tests/hostile/fuzz.ts',
  storm: 'tests/faults/storm.ts',
}
const asked = (process.env['SUITES'] ?? 'unit integration').split(/[\s,]+/).filter(Boolean)
const suites = asked.filter((suite) => !(suite in PROGRAMS))
const files = process.argv.slice(2)

const copy = mkdtempSync(join(tmpdir(), 'another-stream-'))
process.stdout.write(`The checkout with the stream visits in place of its own: ${copy}\n`)
copyCheckout()
putStreamInPlace()

const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--passWithNoTests=false',
  ...suites.flatMap((suite) => ['--project', suite]),
  ...files,
]
const passed = [
  run('types', ['node_modules/typescript/bin/tsc', '--noEmit']),
  suites.length === 0 || run(`suites ${suites.join(', ')}`, vitest),
  ...asked.flatMap((suite) => (suite in PROGRAMS ? [run(suite, [PROGRAMS[suite]!])] : [])),
].every(Boolean)
if (passed) rmSync(copy, { recursive: true })
else process.stderr.write(`The copy is ${copy}\n`)
process.exitCode = passed ? 0 : 1

/** What is in git or will be, as it is now. */
function copyCheckout(): void {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 } as const
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    options,
  )
  for (const file of new Set(listed.split('\0').filter(Boolean))) {
    // Its link is made below, also where it is one already.
    if (!existsSync(join(root, file)) || file.startsWith('node_modules')) continue
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file), { dereference: false })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
}

/** As CUSTOMIZING says for a first stream of one's own. */
function putStreamInPlace(): void {
  for (const gone of ['streams', 'grafana/dashboards/sales-pulse.json'])
    rmSync(join(copy, gone), { recursive: true })
  mkdirSync(join(copy, 'streams/visits'), { recursive: true })
  for (const [file, from] of [
    ['visits.ts', 'visits.ts'],
    ['samples.ts', 'visits-samples.ts'],
  ] as const) {
    const text = readFileSync(join(root, 'tests/support/streams', from), 'utf8')
    writeFileSync(join(copy, 'streams/visits', file), text.replaceAll("'../../../", "'../../"))
  }
  const texts = {
    index: `import { visits } from './visits/visits.ts'\n\nexport const streams = [visits]\n`,
    samples: `import { browse } from './visits/samples.ts'\n\nexport const samples = { visits: browse }\n`,
    pages: 'export const pages = []\n',
    dashboards: 'export const dashboards = {}\nexport const alerts = []\n',
  }
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(copy, `streams/${name}.ts`), text)
  const written =
    run('the migration', ['scripts/generate-migration.ts', '--name', 'visits']) &&
    run('the dashboards', ['scripts/grafana/write.ts'])
  if (!written) process.exit(1)
}

/** @returns whether it passed. */
function run(what: string, args: readonly string[]): boolean {
  process.stdout.write(`\n== ${what}\n`)
  const { status, signal } = spawnSync(process.execPath, args, { cwd: copy, stdio: 'inherit' })
  if (status !== 0) process.stderr.write(`\nWith another stream, ${what} failed (${signal ?? status})\n`)
  return status === 0
}
