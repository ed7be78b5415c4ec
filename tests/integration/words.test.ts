import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createRandom } from '../../producer/random.ts'
import { WORDS } from '../support/words.ts'

/** What a word encodes is what its column holds and what is read of it, null among it. */

const client = new Client({ connectionString: inject('databaseUrl') })
beforeAll(async () => {
  await client.connect()
  await client.query(`set timezone to 'Asia/Kathmandu'; set datestyle to 'German'`)
})
afterAll(() => client.end())

test.each(Object.entries(WORDS))('%s comes back from its column as it went in', async (_, field) => {
  const { kind } = field
  const random = createRandom(3)
  const samples = Array.from({ length: 40 }, () => kind.sample(random, Date.UTC(2026, 10, 21)))
  const type = (kind.column('v') as unknown as { build(table: unknown): { getSQLType(): string } })
    .build({})
    .getSQLType()
  await client.query(`create temp table faces (n int generated always as identity, v ${type})`)
  try {
    const cast = kind.cast === undefined ? '' : `::${kind.cast}`
    await client.query(`insert into faces (v) select v${cast} from unnest($1::${kind.element}[]) v`, [
      kind.encode([...(samples as object[]), null]),
    ])
    const { rows } = await client.query<{ v: unknown }>(
      `select ${kind.read('faces.v')} as v from faces order by n`,
    )
    expect(rows.at(-1)!.v).toBeNull()
    for (const [i, sample] of samples.entries()) {
      // Without the product's own pool an int8 is text.
      const read = typeof sample === 'number' ? Number(rows[i]!.v) : (rows[i]!.v as object)
      expect([i, kind.equal(read, sample)]).toEqual([i, true])
    }
    const check = kind.check?.condition('v')
    if (check !== undefined) await client.query(`alter table faces add check (${check})`)
  } finally {
    await client.query('drop table faces')
  }
})
