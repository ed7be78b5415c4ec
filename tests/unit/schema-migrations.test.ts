import { expect, test } from 'vitest'
import { JOURNALS } from '../../etl/postgres/migrations.ts'
import { difference } from '../../scripts/migration/generate.ts'
import { streams } from '../../streams/index.ts'

test.for(JOURNALS)('the migrations of the %s make what is declared', async (journal) => {
  // If not: npm run generate-migration -- --name what_it_does
  expect((await difference(journal, streams)).statements).toEqual([])
})
