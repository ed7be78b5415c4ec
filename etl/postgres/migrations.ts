import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ClientBase, Pool } from 'pg'

/** A numbered SQL file of drizzle-kit's, and the hash that tells whether it is still the one applied. */
export interface Migration {
  readonly tag: string
  readonly statements: readonly string[]
  readonly hash: string
}

const FOLDER = new URL('../../migrations/', import.meta.url)

/** The migrations of this source tree, in the order of drizzle-kit's journal. */
export function readMigrations(folder: URL = FOLDER): Migration[] {
  const journal = JSON.parse(readFileSync(new URL('meta/_journal.json', folder), 'utf8')) as {
    entries: { idx: number; tag: string }[]
  }
  return journal.entries
    .toSorted((a, b) => a.idx - b.idx)
    .map(({ tag }) => {
      const text = readFileSync(new URL(`${tag}.sql`, folder), 'utf8')
      return {
        tag,
        statements: text.split('--> statement-breakpoint').map((statement) => statement.trim()),
        hash: createHash('sha256').update(text).digest('hex'),
      }
    })
}

export interface AppliedMigration {
  readonly tag: string
  readonly hash: string
}

/** What the warehouse has on record; undefined where it was never migrated. */
export async function appliedMigrations(client: ClientBase | Pool): Promise<AppliedMigration[] | undefined> {
  const { rows: found } = await client.query<{ found: boolean }>(
    `select to_regclass('audit.schema_migrations') is not null as found`,
  )
  if (found[0]?.found !== true) return undefined
  const { rows } = await client.query<AppliedMigration>(
    'select tag, hash from audit.schema_migrations order by id',
  )
  return rows
}

/** The warehouse's migrations are not this program's. */
export class MigrationMismatch extends Error {
  override readonly name = 'MigrationMismatch'
}

/**
 * The gate that no restart goes round: what is on record must be exactly what this source tree has.
 *
 * @throws MigrationMismatch that says which differs and what to do.
 */
export function requireSameMigrations(
  applied: readonly AppliedMigration[] | undefined,
  own: readonly Migration[],
): void {
  if (applied === undefined)
    throw new MigrationMismatch('the warehouse was never migrated: run npm run migrate')
  for (const [i, { tag, hash }] of own.entries()) {
    const there = applied[i]
    if (there === undefined)
      throw new MigrationMismatch(`the warehouse lacks migration ${tag}: run npm run migrate`)
    if (there.tag !== tag)
      throw new MigrationMismatch(`the warehouse has migration ${there.tag} where this version has ${tag}`)
    if (there.hash !== hash)
      throw new MigrationMismatch(`migration ${tag} was changed after it was applied: restore the file`)
  }
  const newer = applied[own.length]
  if (newer !== undefined) {
    throw new MigrationMismatch(
      `the warehouse has migration ${newer.tag} of a newer version: run that version`,
    )
  }
}
