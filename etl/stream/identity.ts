import type { ClientBase } from 'pg'
import { arrays, columnsOf, encoded, names, pick, readAs, sameKey, type Column } from './columns.ts'
import type { Definition } from './definition.ts'
import type { Row } from './field.ts'
import { identityFields } from './define.ts'
import type { FactStatements, Origin } from './facts.ts'
import { asKnown, forgottenColumns, selectedForgotten } from './forgotten.ts'
import { eachRecord } from './each.ts'
import { countedTable, isEach, isLatest, storedColumns, versionFields } from './stored.ts'
import type { Fact } from './types.ts'

/** How a stream's facts claim their identity, and who holds it. A version's identity is its key and its version. */
export interface IdentityStatements {
  /** Of a version those of its key. */
  readonly fields: readonly string[]
  /** Tells rows apart: equal texts are one identity. Their order is the order in which identities are claimed. */
  of(row: Row): string
  /**
   * Gives facts the identity that only their place in the log tells; where a record was sent again for a dead letter, that
   * letter's place. Of most streams it leaves them as they are: the record says its identity.
   *
   * @param firstOf by offset: the place of the first dead letter that the record was sent again for.
   */
  place(facts: readonly Fact[], incarnation: number, firstOf: FirstPlace): readonly Fact[]
  /** As people read it: `order 3f2b8c1e-…`. */
  named(row: Row): string
  /**
   * Claims the identities of these facts for this transaction.
   *
   * @param facts one for each identity, ascending by it.
   * @returns of those that were not ours to claim, what is stored, by identity: the fields of the message, or only
   *   the time where the fact was dropped for its age.
   * @throws Error unless claimed and found together are all: a record would be lost.
   */
  claim(client: ClientBase, facts: readonly Fact[], origin: Origin): Promise<ReadonlyMap<string, Row>>
  /** Inserts facts of those that were claimed, so that no other can hold a conflicting row. */
  insert(client: ClientBase, facts: readonly Fact[], origin: Origin): Promise<void>
}

/** Where a record was consumed first. */
export type FirstPlace = (offset: number) => Place | undefined

interface Place {
  readonly topic: string
  readonly partition: number
  readonly incarnation: number
  readonly offset: number
}

type Claims = Pick<IdentityStatements, 'claim' | 'insert'>

export function compileIdentity(stream: Definition, facts: FactStatements): IdentityStatements {
  if (isEach(stream)) return eachRecord(stream, facts)
  const { identity, eventTime, title } = stream
  const fields = identityFields(identity)
  const version = versionFields(stream)
  const inKey = identity.scope === 'event_time' ? [eventTime, ...fields] : [...fields, ...version]
  const [only] = inKey
  // No text of a contract has a NUL in it.
  const of =
    inKey.length === 1
      ? (row: Row) => String(row[only!])
      : (row: Row) => inKey.map((field) => String(row[field])).join('\0')
  const claims =
    identity.scope === 'warehouse' ? byKeys(stream, identity.keys, facts, of) : byFacts(stream, facts, of)
  const shown = isLatest(stream) ? versionShown(stream) : () => ''
  return {
    fields,
    of,
    place: isLatest(stream) && stream.identity.by === 'log' ? placeInLog(of) : (placed) => placed,
    named: (row) =>
      `${identity.title ?? title} ${fields.map((field) => String(row[field])).join(', ')}${shown(row)}`,
    ...claims,
  }
}

const placeInLog =
  (of: (row: Row) => string): IdentityStatements['place'] =>
  (facts, incarnation, firstOf) =>
    facts.map((fact) => {
      const first = firstOf(fact.offset) ?? { incarnation, offset: fact.offset }
      const row = { ...fact.row, log_incarnation: first.incarnation, log_offset: first.offset }
      return { ...fact, identity: of(row), row }
    })

/** `, version 4`. */
function versionShown(stream: Definition): (row: Row) => string {
  const version = pick(columnsOf(stream), versionFields(stream)).filter((one) => one !== undefined)
  if (version.length === 0)
    return (row) => `, version ${String(row['log_incarnation'])}:${String(row['log_offset'])}`
  return (row) =>
    `, ${version.map(({ field, kind }) => `${field} ${kind.show(row[field] as object)}`).join(', ')}`
}

/**
 * By a table of keys.
 *
 * Why it is safe with any number of workers: the primary key admits one row an identity. A key that a rival
 * has inserted but not committed makes the statement wait for the rival; afterwards the key is either
 * claimed here or the rival's. Facts come sorted by identity, so that two loads with the same ones wait
 * for each other in the same order and never in a circle.
 *
 * What was not claimed is looked up in a second statement, because only a new snapshot shows what a rival
 * committed while the claim waited (READ COMMITTED). In the claim's own statement such a key is neither claimed
 * nor visible. A key is ours when this transaction wrote it.
 */
function byKeys(stream: Definition, table: string, facts: FactStatements, of: (row: Row) => string): Claims {
  const { name, eventTime } = stream
  const columns = columnsOf(stream)
  const ofKey = pick(columns, identityFields(stream.identity))
  const [time] = pick(columns, [eventTime]) as [Column]
  const inTable = [...ofKey, time]
  const others = columns.filter((column) => !inTable.includes(column))
  const claim = {
    name: `${name}: claim keys`,
    text: `insert into warehouse.${table} (${names(inTable)})
           select * from unnest(${arrays(inTable, 1)})
           on conflict do nothing`,
  }
  const [only] = ofKey as [Column]
  const isOneOfThese =
    ofKey.length === 1
      ? `k.${only.name} = any($1::${only.array})`
      : `(${names(ofKey, 'k')}) in (select * from unnest(${arrays(ofKey, 1)}))`
  const find = {
    name: `${name}: find existing`,
    text: `select ${readAs(inTable, 'k')}, t.${only.name} is not null as "hasFact", ${forgottenColumns(stream, 't')}${others.length === 0 ? '' : ', '}${readAs(others, 't')}
           from warehouse.${table} k
           left join warehouse.${name} t on ${sameKey([time, ...ofKey], 't', 'k')}
           where ${isOneOfThese} and k.xmin <> pg_current_xact_id()::xid`,
  }
  return {
    claim: async (client, firsts) => {
      const { rowCount } = await client.query({ ...claim, values: encoded(inTable, firsts) })
      if (rowCount === firsts.length) return new Map()
      const { rows } = await client.query<Row & { hasFact: boolean }>({
        ...find,
        values: encoded(ofKey, firsts),
      })
      requireAll(firsts, rowCount ?? 0, rows)
      return new Map(
        rows.map(({ hasFact, ...row }) => [
          of(row),
          hasFact ? asKnown(columns, row) : { [eventTime]: row[eventTime] },
        ]),
      )
    },
    insert: (client, fresh, origin) => facts.insert(client, fresh, origin).then(() => undefined),
  }
}

/**
 * By the own primary key of the facts, or of the history of versions, for the same reasons: the insert is the claim,
 * and what it left out is looked up in a second statement.
 */
function byFacts(stream: Definition, facts: FactStatements, of: (row: Row) => string): Claims {
  const { name } = stream
  const { stored: columns, key: ofKey } = storedColumns(stream)
  // No field has a capital, so none is named like the alias.
  const find = {
    name: `${name}: find existing`,
    text: `select ${columns.map(({ field }) => `t."${field}"`).join(', ')}, ${selectedForgotten('t')}
           from unnest(${arrays(ofKey, 1)}) as f (${names(ofKey)})
           cross join lateral (
             select t.xmin as "writtenBy", ${forgottenColumns(stream, 't')}, ${readAs(columns, 't')} from warehouse.${countedTable(stream)} t
             where ${sameKey(ofKey, 't', 'f')} offset 0
           ) t
           where t."writtenBy" <> pg_current_xact_id()::xid`,
  }
  return {
    claim: async (client, firsts, origin) => {
      const inserted = await facts.insert(client, firsts, origin)
      if (inserted === firsts.length) return new Map()
      const { rows } = await client.query<Row>({ ...find, values: encoded(ofKey, firsts) })
      requireAll(firsts, inserted, rows)
      return new Map(rows.map((row) => [of(row), asKnown(columns, row)]))
    },
    insert: async () => {},
  }
}

function requireAll(firsts: readonly Fact[], claimed: number, found: readonly unknown[]): void {
  if (claimed + found.length === firsts.length) return
  throw new Error(
    `of ${firsts.length} identities ${claimed} were claimed and ${found.length} found: they do not add up`,
  )
}
