import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { DrizzleSnapshotJSON } from 'drizzle-kit/api'
import type * as DrizzleKit from 'drizzle-kit/api'
import { FOLDERS, type JournalName } from '../../etl/postgres/migrations.ts'
import * as audit from '../../etl/schema/audit.ts'
import * as operations from '../../etl/schema/operations.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { columnName } from '../../etl/stream/field.ts'
import { linesOf } from '../../etl/stream/rows.ts'
import { tablesOf, warehouse } from '../../etl/stream/tables.ts'

/** drizzle-kit's list of the migrations of a folder. */
interface Journal {
  readonly version: string
  readonly dialect: string
  readonly entries: readonly {
    readonly idx: number
    readonly version: string
    readonly when: number
    readonly tag: string
    readonly breakpoints: boolean
  }[]
}

const NO_MIGRATION: Journal = { version: '7', dialect: 'postgresql', entries: [] }

/** What the tables are as the last migration left them, and as the code has them now. */
interface Difference {
  readonly journal: Journal
  readonly after: DrizzleSnapshotJSON
  /** The statements that are missing between the two. */
  readonly statements: readonly string[]
}

interface Table {
  readonly columns: Readonly<Record<string, unknown>>
}

/** Something declared before is declared no longer: what to do about it is for a person to write. */
export class WouldLose extends Error {
  override readonly name = 'WouldLose'
}

/**
 * What the migrations of a journal lack.
 *
 * @throws WouldLose: a table or column that is no longer declared may hold what nobody has elsewhere, and
 *   drizzle-kit would ask whether it was renamed.
 */
export async function difference(
  name: JournalName,
  streams: readonly Definition[],
  folder = FOLDERS[name],
): Promise<Difference> {
  const { generateDrizzleJson, generateMigration } = await drizzleKit()
  const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`meta/${file}`, folder), 'utf8'))
  const journal = existsSync(new URL('meta/', folder)) ? (read('_journal.json') as Journal) : NO_MIGRATION
  const last = journal.entries.at(-1)
  const before = last
    ? (read(`${numberOf(last.idx)}_snapshot.json`) as DrizzleSnapshotJSON)
    : generateDrizzleJson({})
  const after = generateDrizzleJson(
    name === 'engine' ? { ...audit, ...operations } : named(streams),
    before.id,
  )
  requireNothingLost(before, after)
  const statements = await generateMigration(before, after)
  return { journal, after, statements: statements.map((statement) => complete(statement.trim(), streams)) }
}

/** A development package, so it isn't everywhere. */
async function drizzleKit(): Promise<typeof DrizzleKit> {
  try {
    return await import('drizzle-kit/api')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error('drizzle-kit is not installed here: use a checkout, or the image of the target tools', {
      cause: error,
    })
  }
}

/**
 * Writes a migration of what a journal lacks, if it lacks something.
 *
 * @returns its tag.
 */
export async function writeMigration(
  name: JournalName,
  title: string,
  streams: readonly Definition[],
  folder = FOLDERS[name],
): Promise<string | undefined> {
  const { journal, after, statements } = await difference(name, streams, folder)
  if (statements.length === 0) return undefined
  const idx = journal.entries.length
  const tag = `${numberOf(idx)}_${title}`
  const entry = { idx, version: '7', when: Date.now(), tag, breakpoints: true }
  const write = (file: string, content: unknown) =>
    writeFileSync(new URL(`meta/${file}`, folder), `${JSON.stringify(content, null, 2)}\n`)
  mkdirSync(new URL('meta/', folder), { recursive: true })
  writeFileSync(new URL(`${tag}.sql`, folder), `${statements.join('\n--> statement-breakpoint\n')}\n`)
  write(`${numberOf(idx)}_snapshot.json`, after)
  write('_journal.json', { ...journal, entries: [...journal.entries, entry] })
  return tag
}

const numberOf = (idx: number): string => String(idx).padStart(4, '0')

/** drizzle-kit takes tables by any name. */
function named(streams: readonly Definition[]): Record<string, unknown> {
  const all = streams
    .map(tablesOf)
    .flatMap(({ facts, current, keys, lines, rollups }) => [
      facts,
      current,
      keys,
      ...Object.values(lines),
      ...Object.values(rollups),
    ])
  return { warehouse, ...Object.fromEntries(all.filter((table) => table !== undefined).entries()) }
}

function requireNothingLost(before: DrizzleSnapshotJSON, after: DrizzleSnapshotJSON): void {
  const lost = Object.entries<Table>(before.tables).flatMap(([table, { columns }]) => {
    const now = after.tables[table] as Table | undefined
    if (now === undefined)
      return [`${table} is no longer declared: it stays until you write DROP TABLE by hand`]
    return Object.keys(columns)
      .filter((column) => !(column in now.columns))
      .map(
        (column) => `${table}.${column} is no longer declared: write by hand that it is renamed or dropped`,
      )
  })
  if (lost.length > 0)
    throw new WouldLose(`Nothing was written, as it would lose data:\n  ${lost.join('\n  ')}`)
}

/** With what drizzle can't say of a stream's tables: partitions, and room on the pages of rows that change often. */
function complete(statement: string, streams: readonly Definition[]): string {
  if (statement === 'CREATE SCHEMA "warehouse";') return 'CREATE SCHEMA IF NOT EXISTS "warehouse";'
  for (const stream of streams) {
    const { name, fields, eventTime, partitionBy, rollups = {} } = stream
    const time = columnName(fields, eventTime)
    // Current rows are replaced again and again.
    if (partitionBy === undefined && statement.startsWith(`CREATE TABLE "warehouse"."${name}" (`))
      return statement.replace(/\);$/, ') WITH (fillfactor = 80);')
    const partitioned = partitionBy === undefined ? [] : [name, ...linesOf(stream).map(({ table }) => table)]
    if (partitioned.some((table) => statement.startsWith(`CREATE TABLE "warehouse"."${table}" (`)))
      return statement.replace(/\);$/, `) PARTITION BY RANGE ("${time}");`)
    const rollup = Object.keys(rollups).find((one) =>
      statement.startsWith(`CREATE TABLE "warehouse"."${one}" (`),
    )
    if (rollup !== undefined) return statement.replace(/\);$/, ') WITH (fillfactor = 70);')
  }
  return statement
}
