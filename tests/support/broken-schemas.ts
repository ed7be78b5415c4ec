import { describe, expect, test } from 'vitest'
import { createSchema, problems, useOwnDatabase, validated } from './schema-validation.ts'

export interface BrokenSchema {
  name: string
  /** Statements that make it, with names looked up in a schema of its own. */
  schema: string[]
  /** A last statement that fails and leaves something behind. */
  failing?: string
  /** Only a superuser can break a schema in this way. */
  superuser?: true
  /** Everything that is to be found, as problems() writes it. */
  expected: (string | RegExp)[]
}

export const PARENT = 'CREATE TABLE parent (id int PRIMARY KEY, a int, b int, UNIQUE (a, b))'

export const PARTITIONED = [
  'CREATE TABLE p (id int, at date) PARTITION BY RANGE (at)',
  `CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`,
  `CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')`,
]

/** One test for each: the validator finds exactly what is expected. */
export function findsWhatIsBroken(topic: string, cases: BrokenSchema[]): void {
  describe(`the schema validator, on ${topic}, finds`, () => {
    const own = useOwnDatabase()

    test.for(cases.map((each) => [each.name, each] as const))('%s', async ([, each], { skip }) => {
      const { client, superuser } = own
      if (each.superuser && !superuser) skip('needs a superuser')
      const schema = await createSchema(client, each.schema)
      await client.query(each.failing ?? '').catch(() => {})

      const report = await validated(client, schema)

      expect(problems(report)).toEqual(each.expected.map(matching))
      expect(report.valid).toBe(!problems(report).some((line) => line.startsWith('error')))
    })
  })
}

const matching = (line: string | RegExp): unknown =>
  typeof line === 'string' ? line : expect.stringMatching(line)
