import type { ClientBase } from 'pg'
import { z } from 'zod'
import { columnsOf, type Column } from './columns.ts'
import { compileContract, type Validate } from './contract.ts'
import { namesSchemas } from './envelopes/compile.ts'
import { Schemas } from './envelopes/schemas.ts'
import { identityFields } from './define.ts'
import type { Definition, WrittenBatch } from './definition.ts'
import type { Row } from './field.ts'
import { compileFacts, type FactStatements } from './facts.ts'
import { compileIdentity, type IdentityStatements } from './identity.ts'
import { compileLines, linesOf, type LineStatements } from './rows.ts'
import { compileRollup, type RollupStatements } from './rollup.ts'
import type { Fact } from './types.ts'

/**
 * A stream as the engine works with it, made once at the start: what decides about a record, and statements whose
 * text is fixed. Nothing of the declaration is interpreted for each record.
 */
export interface Stream {
  readonly definition: Definition
  readonly name: string
  readonly eventTime: string
  readonly validate: Validate
  /** Those that `validate` reads records by, which are to be learnt before; undefined where records name none. */
  readonly schemas: Schemas | undefined
  /** Whether a table holds what records say: facts or their lines, a month of them, or keys. */
  readonly isOfFacts: (table: string) => boolean
  /** What is stored of a row: its fields, and what is derived of them by the rules that this stream was given. */
  readonly derive: (row: Row) => Row
  readonly identity: IdentityStatements
  /** The fields of a message that two records of one identity must agree in. */
  readonly compared: readonly Column[]
  readonly derived: readonly Column[]
  readonly facts: FactStatements
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
  const { name, derived = {}, eventTime, identity, derive, write } = definition
  const facts = compileFacts(definition)
  const schemas = namesSchemas(definition.envelope) ? new Schemas() : undefined
  return {
    definition,
    name,
    eventTime,
    validate: compileContract(definition, schemas),
    schemas,
    isOfFacts: isOfFacts(definition),
    derive: derive === undefined ? (row) => row : (row) => ({ ...row, ...derive(row, rules) }),
    identity: compileIdentity(definition, facts),
    compared: columnsOf(definition).filter(({ field }) => !identityFields(identity).includes(field)),
    derived: columnsOf(definition, derived),
    facts,
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

function isOfFacts(definition: Definition): (table: string) => boolean {
  const { name, identity, write } = definition
  const keys = [
    ...(identity.scope === 'warehouse' ? [identity.keys] : []),
    ...(write?.blames === true ? Object.keys(write.tables) : []),
  ]
  const partitioned = [name, ...linesOf(definition).map(({ table }) => table)]
  const all = [`(${partitioned.join('|')})(_\\d{4}_\\d{2})?`, ...keys]
  const tables = new RegExp(`^(${all.join('|')})$`)
  return (table) => tables.test(table)
}
