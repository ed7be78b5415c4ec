import { readFileSync } from 'node:fs'
import { generateDrizzleJson, generateMigration, type DrizzleSnapshotJSON } from 'drizzle-kit/api'
import { expect, test } from 'vitest'
import * as audit from '../../etl/schema/audit.ts'
import * as operations from '../../etl/schema/operations.ts'
import * as streams from '../../streams/schema.ts'

const META = new URL('../../migrations/meta/', import.meta.url)
const readMeta = (file: string): unknown => JSON.parse(readFileSync(new URL(file, META), 'utf8'))

test('the migrations make what the schema says', async () => {
  // If not: npm run generate-migration -- --name what_it_does
  const { entries } = readMeta('_journal.json') as { entries: readonly { tag: string }[] }
  const number = entries.at(-1)!.tag.slice(0, 4)
  const migrated = readMeta(`${number}_snapshot.json`) as DrizzleSnapshotJSON
  const schema = generateDrizzleJson({ ...streams, ...audit, ...operations })
  expect(await generateMigration(migrated, schema)).toEqual([])
})
