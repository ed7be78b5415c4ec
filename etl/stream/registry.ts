import { createHash } from 'node:crypto'
import type { ClientBase } from 'pg'
import { eq, sql } from '../postgres/drizzle.ts'
import { on, type Client } from '../postgres/query.ts'
import { streams } from '../schema/audit.ts'
import { control } from '../schema/operations.ts'
import { daysOf } from './age.ts'
import type { Definition } from './definition.ts'
import { columnName } from './field.ts'
import { personalColumns } from './personal.ts'
import { linesOf } from './rows.ts'
import {
  countedTable,
  isEach,
  isLatest,
  namingColumns,
  redrivenTable,
  storedFields,
  versionFields,
} from './stored.ts'

/** What the warehouse knows of the declarations: audit.streams. */

/** The declaration that a worker was started with is not the one that the warehouse was migrated for. */
export class StreamMismatch extends Error {
  override readonly name = 'StreamMismatch'
}

/**
 * Tells one contract from another: which fields a record has and how they are read, stored and compared. What it
 * can't show (the rest of a later rule, the text of `derive`) is not in it.
 */
export function contractHash({
  fields,
  derived = {},
  eventTime,
  identity,
  maxAge,
  laterRules = [],
  envelope = 'json',
}: Definition): string {
  const contract = {
    fields: shown(fields),
    derived: shown(derived),
    eventTime,
    identity,
    maxAge,
    laterRules: laterRules.map(({ since, field, accepted }) => [since, field, accepted]),
    // Left out where there is none: the hash of such a stream is that of versions without envelopes.
    ...(envelope !== 'json' && { envelope: typeof envelope === 'function' ? 'function' : envelope }),
  }
  return createHash('sha256').update(JSON.stringify(contract)).digest('hex').slice(0, 16)
}

const shown = (fields: Definition['fields']): unknown =>
  Object.entries(fields).map(([name, field]) => [
    name,
    field.kind.name,
    columnName(fields, name),
    field.options.at ?? name,
    field.isOptional,
    field.fallback ?? null,
    field.kind.schema,
    field.kind.lines === undefined ? null : shown(field.kind.lines.fields),
  ])

/**
 * Writes down the declared streams, as the owner. One that is declared no longer is retired: its tables, its books
 * and its proof stay.
 */
export async function registerStreams(client: ClientBase, declared: readonly Definition[]): Promise<void> {
  await client.query(
    'update audit.streams set retired_at = now() where retired_at is null and name <> all($1::text[])',
    [declared.map(({ name }) => name)],
  )
  for (const stream of declared) {
    const { name, fields, eventTime, identity, rollups = {} } = stream
    const column = (field: string) => columnName(fields, field)
    const row = {
      facts: countedTable(stream),
      current: isLatest(stream) ? name : null,
      version: versionFields(stream).map((field) => columnName(storedFields(stream), field)),
      keepVersions: isLatest(stream) ? (stream.identity.keepVersions ?? null) : null,
      partitionBy: stream.partitionBy ?? null,
      keepDays: stream.keep === undefined ? null : daysOf(stream.keep)!,
      eventTime: column(eventTime),
      identity: [...namingColumns(stream)],
      keys: identity.keys ?? (isEach(stream) ? redrivenTable(stream) : null),
      rollups: Object.entries(rollups).map(([table, { every, measures }]) => ({
        table,
        time: every,
        count: Object.entries(measures).find(
          ([, one]) => one.measure === 'count' && one.where === undefined,
        )![0],
      })),
      lines: linesOf(stream).map(({ table, count }) => ({ table, count })),
      personal: [...personalColumns(stream)],
      contractHash: contractHash(stream),
      retiredAt: null,
    }
    await on(client)
      .insert(streams)
      .values({ name, ...row })
      .onConflictDoUpdate({
        target: streams.name,
        set: {
          ...row,
          registeredAt: sql`case when ${streams.contractHash} is distinct from excluded.contract_hash then now() else ${streams.registeredAt} end`,
        },
      })
    await on(client).insert(control).values({ stream: name }).onConflictDoNothing()
  }
}

/**
 * The second half of the gate that no restart goes round: a worker holds records against the contract that the
 * warehouse was migrated for, or doesn't start.
 *
 * @throws StreamMismatch.
 */
export async function requireRegistered(client: Client, stream: Definition): Promise<void> {
  const [there] = await on(client)
    .select({ hash: streams.contractHash })
    .from(streams)
    .where(eq(streams.name, stream.name))
  if (there === undefined)
    throw new StreamMismatch(`the warehouse doesn't know the stream ${stream.name}: run npm run migrate`)
  if (there.hash !== contractHash(stream))
    throw new StreamMismatch(
      `the warehouse was migrated for another contract of ${stream.name}: where this version is the newer one run npm run migrate, else start the newer one`,
    )
}
