import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClientBase, Pool } from 'pg'
import type { Logger } from '../process/log.ts'
import { STREAMS_FOLDER } from '../process/streams-folder.ts'
import { messageOf } from '../text/message-of.ts'
import { remedyFor } from './errors.ts'
import { explainedTls } from './tls.ts'

/** A numbered SQL file of drizzle-kit's, and the hash that tells whether it is still the one applied. */
export interface Migration {
  readonly tag: string
  readonly statements: readonly string[]
  readonly hash: string
}

/** The engine's migrations come with it; those of the streams belong to whoever owns the streams. */
export const FOLDERS = {
  engine: new URL('../../migrations/', import.meta.url),
  streams: new URL('migrations/', STREAMS_FOLDER),
}
export type JournalName = keyof typeof FOLDERS
export const JOURNALS = ['engine', 'streams'] as const satisfies readonly JournalName[]
/** Of each journal in the order of its numbers. */
export type Migrations<M = Migration> = Readonly<Record<JournalName, readonly M[]>>

/** The migrations of this source tree, and those of its streams. */
export function readMigrations(ofStreams = FOLDERS.streams): Migrations {
  return { engine: readFolder(FOLDERS.engine), streams: readFolder(ofStreams) }
}

/** Those of a folder, in the order of drizzle-kit's journal; none where it has no journal yet. */
export function readFolder(folder: URL): Migration[] {
  if (!existsSync(new URL('meta/_journal.json', folder))) return []
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
export async function appliedMigrations(
  client: ClientBase | Pool,
): Promise<Migrations<AppliedMigration> | undefined> {
  const { rows: found } = await client.query<{ found: boolean }>(
    `select to_regclass('audit.schema_migrations') is not null as found`,
  )
  if (found[0]?.found !== true) return undefined
  // A warehouse of a version before there were two journals has no such column.
  const { rows } = await client.query<AppliedMigration & { journal: JournalName }>(
    `select tag, hash, coalesce(to_jsonb(m) ->> 'journal', 'engine') as journal
     from audit.schema_migrations m order by id`,
  )
  const of = (name: JournalName) =>
    rows.filter(({ journal }) => journal === name).map(({ tag, hash }) => ({ tag, hash }))
  return { engine: of('engine'), streams: of('streams') }
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
  applied: Migrations<AppliedMigration> | undefined,
  own: Migrations,
): void {
  if (applied === undefined)
    throw new MigrationMismatch('the warehouse was never migrated: run npm run migrate')
  for (const journal of JOURNALS) requireSame(applied[journal], own[journal])
}

/** @throws MigrationMismatch. */
export function requireSame(applied: readonly AppliedMigration[], own: readonly Migration[]): void {
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

const WAIT_MS = 2_000

/**
 * Waits until the warehouse answers, then holds its migrations against our own, so that no restart goes
 * round the gate.
 *
 * @throws MigrationMismatch, or what Postgres says where waiting would not help (a wrong password, no such
 *   database, a role that is missing).
 */
export async function waitForWarehouse(
  pool: Pool,
  own: Migrations,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    try {
      requireSameMigrations(await appliedMigrations(pool), own)
      await warnOfSuperuser(pool, logger)
      return
    } catch (error) {
      const remedy = remedyFor(error)
      if (remedy !== 'reconnect' && remedy !== 'wait') throw explainedTls(error)
      logger.warn({ reason: messageOf(error) }, 'waiting for the warehouse')
    }
    await delay(WAIT_MS, undefined, { signal })
  }
}

async function warnOfSuperuser(pool: Pool, logger: Logger): Promise<void> {
  const { rows } = await pool.query<{ login: string; rolsuper: boolean }>(
    'select rolname as login, rolsuper from pg_roles where rolname = session_user',
  )
  if (rows[0]?.rolsuper === true) {
    logger.warn(
      { login: rows[0].login },
      'DATABASE_URL logs in as a superuser: a member of pulse_loader is enough',
    )
  }
}
