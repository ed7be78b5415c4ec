import { expect, test } from 'vitest'
import type { Catalogue, ForeignKey, Parts } from '../../scripts/schema-validator/catalogue.ts'
import { checkIntegrity } from '../../scripts/schema-validator/checks/integrity.ts'
import type { Probes } from '../../scripts/schema-validator/probe.ts'

/** What a real database seldom does on demand. */

type Orphans = Probes['foreignKeys'][number]['orphans']

function found(orphans: Orphans): string[] {
  const key = { label: 'fk', parentLabel: 'parent', columns: [] } as Partial<ForeignKey> as ForeignKey
  const child = { relation: { label: 'child' } } as Parts
  const catalogue = { server: { role: 'app' }, tables: [{}], views: [] } as unknown as Catalogue
  const { findings } = checkIntegrity(catalogue, {
    tables: [],
    views: [],
    foreignKeys: [{ child, key, orphans }],
  })
  return findings.map(({ level, subject, message }) => `${level} ${subject ?? ''}: ${message}`)
}

test.each<{ orphans: Orphans; says: string }>([
  {
    orphans: { ok: false, sqlState: '57014', reason: 'canceling statement due to statement timeout' },
    says: 'warning child fk: not checked: canceling statement due to statement timeout',
  },
  {
    orphans: { ok: false, sqlState: '42883', reason: 'operator does not exist' },
    says: 'error child fk: not checked: operator does not exist',
  },
  {
    orphans: { ok: null, reason: 'it compares periods, which this check cannot' },
    says: 'warning child fk: not checked: it compares periods, which this check cannot',
  },
  {
    orphans: { ok: true, value: { checked: 0, orphans: 0, estimated: true } },
    says: 'warning child fk: not checked: the sample had no rows',
  },
  {
    orphans: { ok: true, value: { checked: 0, orphans: 0, estimated: false } },
    says: 'ok : No orphans under 1 foreign key',
  },
])('a key that could not be checked is never passed over: $says', ({ orphans, says }) => {
  expect(found(orphans)).toEqual([says])
})
