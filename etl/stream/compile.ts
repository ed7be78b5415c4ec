import type { ClientBase } from 'pg'
import { z } from 'zod'
import { columnsOf, differing, pick, type Column } from './columns.ts'
import { compileContract, type Validate } from './contract.ts'
import { namesSchemas } from './envelopes/compile.ts'
import { Schemas } from './envelopes/schemas.ts'
import { identityFields } from './define.ts'
import type { Definition, WrittenBatch } from './definition.ts'
import type { Row } from './field.ts'
import { compileUnfilled } from './fillable.ts'
import { compileFacts, type FactStatements } from './facts.ts'
import { compileIdentity, type IdentityStatements } from './identity.ts'
import { compileCurrent, type CurrentStatements } from './latest.ts'
import { compileLines, linesOf, type LineStatements } from './rows.ts'
import { compileRollup, type RollupStatements } from './rollup.ts'
import {
  countedKey,
  countedTable,
  DELETED_AT,
  isDeletion,
  isEach,
  isLatest,
  redrivenTable,
  storedFields,
} from './stored.ts'
import type { Fact } from './types.ts'

/**
 * A stream as the engine works with it, made once at the start: what decides about a record, and statements whose
 * text is fixed. Nothing of the declaration is interpreted for each record.
 */
export interface Stream {
  readonly definition: Definition
  readonly name: string
  /** The table whose rows are what was loaded, one a record: the facts, or the history of versions. */
  readonly counted: string
  readonly eventTime: string
  readonly validate: Validate
  /** Those that `validate` reads records by, which are to be learnt before; undefined where records name none. */
  readonly schemas: Schemas | undefined
  /** Whether a table holds what records say: facts or their lines, a part of them, keys, versions, or current rows. */
  readonly isOfFacts: (table: string) => boolean
  /** What is stored of a row: its fields, and what is derived of them by the rules that this stream was given. */
  readonly derive: (row: Row) => Row
  readonly identity: IdentityStatements
  /** The fields of a message in which two records of one identity differ. */
  readonly differing: (one: Row, other: Row) => readonly Column[]
  /** The fields that a stored row has no value of while its record does: declared after it was loaded. */
  readonly unfilled: (stored: Row, record: Row) => readonly string[]
  readonly derived: readonly Column[]
  readonly facts: FactStatements
  /** Of a stream of versions: what counts of each key. */
  readonly current: CurrentStatements | undefined
  /** Of each field of rows. */
  readonly lines: readonly LineStatements[]
  readonly rollups: readonly RollupStatements[]
  /** What else is written with new facts. */
  readonly write: (client: ClientBase, facts: readonly Fact[], batch: WrittenBatch) => Promise<void>
}

/**
 * @param environment what the declaration's `environment` read, by name; its defaults unless given.
 * @throws what the declaration's `rules` throws.
 */
export function compile(
  definition: Definition,
  environment: Readonly<Record<string, unknown>> = defaultsOf(definition),
): Stream {
  return compileWith(definition, definition.rules?.(environment))
}

/** With rules of their own in place of the declaration's: a test's other tax rate. */
export function compileWith(definition: Definition, rules: unknown): Stream {
  const { name, derived = {}, eventTime, derive, write } = definition
  const facts = compileFacts(definition)
  const ofDerived = columnsOf(definition, derived)
  const nothing = Object.fromEntries(ofDerived.map(({ field }) => [field, null]))
  const schemas = namesSchemas(definition.envelope) ? new Schemas() : undefined
  return {
    definition,
    name,
    counted: countedTable(definition),
    eventTime,
    validate: compileContract(definition, schemas),
    schemas,
    isOfFacts: isOfFacts(definition),
    derive:
      derive === undefined
        ? (row) => row
        : (row) => (isDeletion(row) ? { ...row, ...nothing } : { ...row, ...derive(row, rules) }),
    identity: compileIdentity(definition, facts),
    differing: compareBy(definition),
    unfilled: compileUnfilled(definition),
    derived: ofDerived,
    facts,
    current: isLatest(definition) ? compileCurrent(definition) : undefined,
    lines: linesOf(definition).map((lines) => compileLines(definition, lines)),
    rollups: Object.keys(definition.rollups ?? {}).map((rollup) => compileRollup(definition, rollup)),
    write: async (client, loaded, { id, sourcePartition, incarnation }) =>
      write?.apply(
        client,
        loaded.map(({ row }) => row),
        { id, sourcePartition, incarnation },
      ),
  }
}

function defaultsOf({ environment = {} }: Definition): Readonly<Record<string, unknown>> {
  return z.object(environment).parse({})
}

/** Two deletions are the same: each says its key, its version, and nothing else. */
function compareBy(definition: Definition): Stream['differing'] {
  const stored = storedFields(definition)
  const ids = identityFields(definition.identity)
  const claimed = isLatest(definition) ? countedKey(definition) : ids
  const compared = columnsOf(definition).filter(({ field }) => !claimed.includes(field))
  if (!isLatest(definition)) return (one, other) => differing(compared, one, other)
  const deletion = pick(columnsOf(definition, stored), [DELETED_AT])
  return (one, other) => {
    if (isDeletion(one) !== isDeletion(other)) return deletion
    return isDeletion(one) ? [] : differing(compared, one, other)
  }
}

function isOfFacts(definition: Definition): (table: string) => boolean {
  const { name, identity, write } = definition
  const others = [
    ...(identity.scope === 'warehouse' ? [identity.keys] : []),
    ...(isLatest(definition) ? [countedTable(definition)] : []),
    ...(isEach(definition) ? [redrivenTable(definition)] : []),
    ...(write?.blames === true ? Object.keys(write.tables) : []),
  ]
  const partitioned = [name, ...linesOf(definition).map(({ table }) => table)]
  const all = [`(${partitioned.join('|')})(_\\d{4}_\\d{2}(_\\d{2})?)?`, ...others]
  const tables = new RegExp(`^(${all.join('|')})$`)
  return (table) => tables.test(table)
}
