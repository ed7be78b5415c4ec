import { describe, expect, test } from 'vitest'
import {
  assembleReport,
  failure,
  ok,
  renderReport,
  section,
  warning,
  list,
  type Finding,
  type SchemaReport,
  type TableSummary,
} from '../../scripts/schema-validator/report.ts'

const aTable = (overrides: Partial<TableSummary> = {}): TableSummary => ({
  table: 'public.t',
  columns: [{ name: 'id', type: 'integer', nullable: false }],
  primaryKey: ['id'],
  foreignKeys: [],
  unique: 0,
  notNull: 1,
  checks: 0,
  exclusions: 0,
  indexes: 1,
  partitions: null,
  rowCount: { rows: 0, estimated: false },
  notes: [],
  ...overrides,
})

const aReport = (findings: Finding[], tables: TableSummary[] = []): SchemaReport =>
  assembleReport(
    { database: 'shop', role: 'app', serverVersion: '17.10', schemas: ['public'] },
    [section('connectivity', [ok('connection', 'PostgreSQL 17.10')]), section('structure', findings)],
    tables,
  )

describe('a report', () => {
  test('is valid with warnings and not with an error', () => {
    expect(aReport([warning('a', 't', 'odd')])).toMatchObject({ valid: true, errors: 0, warnings: 1 })
    expect(aReport([warning('a', 't', 'odd'), failure('b', 't', 'bad')])).toMatchObject({
      valid: false,
      errors: 1,
      warnings: 1,
    })
  })

  test('has sections as bad as their worst finding', () => {
    const levels = aReport([ok('a', 'fine'), warning('b', 't', 'odd')]).sections.map(({ level }) => level)
    expect(levels).toEqual(['ok', 'warning'])
  })
})

describe('the printed report', () => {
  test('has the tables aligned, the sections with their marks, and the verdict last', () => {
    const orphans = {
      ...failure('orphans', 'public.t fk', '2 of 3 rows without a parent; list them with'),
      statement: 'SELECT 1',
    }
    const report = aReport(
      [ok('a', 'Fine'), warning('b', 'public.t', 'odd'), orphans],
      [
        aTable({
          table: 'public.a_long_name',
          primaryKey: ['at', 'id'],
          rowCount: { rows: 1_234_567, estimated: true },
          notes: ['12 partitions', 'unlogged'],
        }),
        aTable({ primaryKey: null, rowCount: null }),
      ],
    )
    expect(renderReport(report)).toBe(
      `
Table                     Rows  Columns  Not null  Unique  Checks  FKs  Indexes  Primary key  Notes
public.a_long_name  ~1,234,567        1         1       0       0    0        1  (at, id)     12 partitions, unlogged
public.t                     ?        1         1       0       0    0        1  none

Connectivity
  ✅ PostgreSQL 17.10

Structure
  ✅ Fine
  ⚠️ public.t: odd
  ❌ public.t fk: 2 of 3 rows without a parent; list them with:
     SELECT 1

❌ The schema is not valid: 1 error, 1 warning`.slice(1),
    )
  })

  test('lists columns and foreign keys in detail only where asked to', () => {
    const foreignKey = { name: 'fk', columns: ['id'], references: 'public.p', referencedColumns: ['a'] }
    const report = aReport([], [aTable({ foreignKeys: [foreignKey] })])
    expect(renderReport(report)).not.toContain('integer')
    expect(renderReport(report, { details: true })).toContain(
      'public.t\n  id  integer not null\n  fk: (id) → public.p (a)\n',
    )
  })

  test('leaves out a section in which nothing could be looked at', () => {
    expect(renderReport(aReport([]))).not.toContain('Structure')
  })

  test('escapes what a terminal would obey', () => {
    const printed = renderReport(aReport([failure('a', '\u001b[31mred\u009b\n', 'bad')]))
    expect(printed).toContain('❌ \\u001b[31mred\\u009b\\u000a: bad')
  })

  test.each([
    [aReport([]), '✅ The schema is valid: 0 errors, 0 warnings'],
    [aReport([warning('a', 't', 'odd')]), '⚠️ The schema is valid: 0 errors, 1 warning'],
  ])('ends with a verdict that shows whether all is well', (report, verdict) => {
    expect(renderReport(report).split('\n').at(-1)).toBe(verdict)
  })
})

describe('wording', () => {
  test('a long list is cut, and says by how much', () => {
    expect(list(['a', 'b'], 2)).toBe('a, b')
    expect(list(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more')
  })
})
