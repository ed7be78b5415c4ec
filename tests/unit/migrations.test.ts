import { expect, test } from 'vitest'
import {
  MigrationMismatch,
  readMigrations,
  requireSameMigrations,
  type AppliedMigration,
} from '../../etl/postgres/migrations.ts'

const { engine, streams } = readMigrations()
const own = [...engine, ...streams]
const aMigration = (tag: string, hash = `hash of ${tag}`) => ({ tag, hash, statements: [] })
const ours = [aMigration('0000_first'), aMigration('0001_second')]
const ofBoth = <M>(migrations: readonly M[]) => ({ engine: migrations, streams: [] })

test('they come in the order of their numbers, with at least one statement each', () => {
  for (const journal of [engine, streams]) {
    const tags = journal.map(({ tag }) => tag)
    expect(tags).toEqual(tags.toSorted())
  }
  for (const { statements } of own) expect(statements.every((statement) => statement !== '')).toBe(true)
})

test('none of them begins or ends a transaction: that would get round the gate', () => {
  for (const { tag, statements } of own) {
    for (const statement of statements) {
      const bare = statement.replaceAll(/\$\$[^]*?\$\$|'[^']*'|--.*$|\/\*[^]*?\*\//gm, '')
      const words = bare.split(';').map((part) => part.trim().split(/\s/)[0]!.toLowerCase())
      for (const word of ['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release'])
        expect([tag, words]).not.toEqual([tag, expect.arrayContaining([word])])
    }
  }
})

test('what is on record must be exactly ours', () => {
  expect(() => requireSameMigrations(ofBoth(ours), ofBoth(ours))).not.toThrow()
})

test.for<[string, AppliedMigration[] | undefined, string]>([
  ['nothing', undefined, 'the warehouse was never migrated: run npm run migrate'],
  ['no migrations', [], 'the warehouse lacks migration 0000_first: run npm run migrate'],
  ['one too few', ours.slice(0, 1), 'the warehouse lacks migration 0001_second: run npm run migrate'],
  [
    'one too many',
    [...ours, aMigration('0002_third')],
    'the warehouse has migration 0002_third of a newer version: run that version',
  ],
  [
    'another order',
    ours.toReversed(),
    'the warehouse has migration 0001_second where this version has 0000_first',
  ],
  [
    'another content',
    [aMigration('0000_first', 'another'), ours[1]!],
    'migration 0000_first was changed after it was applied: restore the file',
  ],
])('with %s on record it says so, and what to do', ([, applied, message]) => {
  expect(() => requireSameMigrations(applied && ofBoth(applied), ofBoth(ours))).toThrow(
    new MigrationMismatch(message),
  )
})

test('the streams’ journal is held against theirs too', () => {
  const applied = { engine: ours, streams: [] }
  expect(() =>
    requireSameMigrations(applied, { engine: ours, streams: [aMigration('0000_visits')] }),
  ).toThrow(new MigrationMismatch('the warehouse lacks migration 0000_visits: run npm run migrate'))
})
