import { existsSync } from 'node:fs'
import type { Definition } from '../../etl/stream/definition.ts'

/**
 * What a message means as a fact, of its declaration and without the product's code; what is derived of it, by
 * streams/<name>/tests/support/oracle.ts.
 */
export interface Meaning {
  /** A stored fact as one text, in SQL: half a million of them fit into memory so. */
  readonly stored: string
  /** The fact that a message's bytes should become, in the same words. */
  readonly factOf: (value: Buffer) => string
  /** Tells facts apart: of versions key and version. */
  readonly identityIn: (fact: string) => string
  /** Of versions: what the newest one of counts, and what orders them. */
  readonly keyIn: (fact: string) => string
  readonly versionIn: (fact: string) => number | string
}

type Message = Readonly<Record<string, unknown>>

/** A part of a fact as the warehouse is asked for it, and of what a message means. */
interface Part {
  readonly sql: string
  readonly meant: (message: Message) => string | null
}

/** What tells facts apart, then the rest of the message, then what is derived of it. */
export async function meaningOf({
  name,
  fields,
  derived,
  identity,
  eventTime,
}: Definition): Promise<Meaning> {
  const { latest, by } = identity
  const deletedWhen = identity.latest === undefined ? undefined : identity.deletedWhen
  if (by === 'log' || typeof deletedWhen === 'function')
    throw new Error(`what a message of ${name} means is not to be told by its fields`)
  const derivedOf = await derivationsOf(name)
  const ids = [identity.once ?? latest ?? []].flat()
  const key = [...ids, by ?? [], identity.scope === 'event_time' ? eventTime : []].flat()
  const parts = [
    ...[...key, ...Object.keys(fields).filter((field) => !key.includes(field))].map((field): Part => {
      const { kind, options, fallback } = fields[field]!
      return {
        sql: sqlOf(kind.name, options.column ?? field),
        meant: (message) => {
          const value = message[field] ?? fallback
          return value === undefined ? null : textOf(kind.name, value)
        },
      }
    }),
    ...Object.entries(derived ?? {}).map(([field, { kind, options }]): Part => {
      const column = options.column ?? field
      return {
        sql: sqlOf(kind.name, column),
        meant: (message) => derivedOf(message)[column] ?? 'not in the oracle',
      }
    }),
  ]
  return {
    // Of a deletion nothing but key and version is kept.
    stored:
      latest === undefined
        ? joined(parts)
        : `case when deleted_at is null then ${joined(parts)} else ${joined(parts.slice(0, key.length))} end`,
    factOf: (value) => {
      const message = JSON.parse(value.toString()) as Message
      const isDeletion = deletedWhen !== undefined && message[deletedWhen] === true
      return (isDeletion ? parts.slice(0, key.length) : parts)
        .map(({ meant }) => meant(message) ?? 'null')
        .join(SEPARATOR)
    },
    identityIn: (fact) => first(fact, key.length).join(' '),
    keyIn: (fact) => first(fact, ids.length).join(' '),
    versionIn: (fact) => {
      const text = first(fact, key.length)[ids.length]!
      return fields[by ?? eventTime]!.kind.name === 'int' ? Number(text) : text
    },
  }
}

type DerivedOf = (message: Message) => Readonly<Record<string, string>>

async function derivationsOf(name: string): Promise<DerivedOf> {
  const oracle = new URL(`../../streams/${name}/tests/support/oracle.ts`, import.meta.url)
  if (!existsSync(oracle)) return () => ({})
  return ((await import(oracle.href)) as { derivedOf: DerivedOf }).derivedOf
}

const SEPARATOR = '\x1f'
const first = (fact: string, many: number): string[] => fact.split(SEPARATOR, many)

const joined = (some: readonly Part[]): string =>
  `concat_ws(E'\\x1f', ${some.map(({ sql }) => `coalesce(${sql}, 'null')`).join(', ')})`

function sqlOf(kind: string, column: string): string {
  if (kind === 'instant') return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
  return kind === 'list' ? `to_json(${column})::text` : `${column}::text`
}

/** By what a word promises; the producer's messages alone are read. */
function textOf(kind: string, value: unknown): string {
  switch (kind) {
    case 'uuid':
      return String(value).toLowerCase()
    case 'money':
      return (Math.round((value as number) * 100) / 100).toFixed(2)
    case 'instant':
      return String(value).replace(/(\.\d+)?Z$/, (_, fraction = '.') => `${`${fraction}`.padEnd(7, '0')}Z`)
    case 'list':
      return JSON.stringify(value)
    case 'text':
    case 'oneOf':
    case 'currencyCode':
    case 'flag':
    case 'int':
    case 'percent':
    case 'day':
      return String(value)
    default:
      throw new Error(`the verdict doesn't know yet what becomes of a field of kind ${kind}`)
  }
}

export const shown = (fact: string | undefined): string => String(fact).replaceAll(SEPARATOR, ' ')
