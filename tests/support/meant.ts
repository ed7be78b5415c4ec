import { existsSync } from 'node:fs'
import { stream } from './stream.ts'

/**
 * What a message means as a fact, of its declaration and without the product's code; what is derived of it, by
 * streams/<name>/tests/support/oracle.ts.
 */

type Meant = Readonly<Record<string, unknown>>

/** A part of a fact as the warehouse is asked for it, and of what a message means. */
interface Part {
  readonly sql: string
  readonly meant: (message: Meant) => string | null
}

const ORACLE = new URL(`../../streams/${stream.name}/tests/support/oracle.ts`, import.meta.url)
const { derivedOf } = (existsSync(ORACLE) ? await import(ORACLE.href) : { derivedOf: () => ({}) }) as {
  derivedOf: (message: Meant) => Readonly<Record<string, string>>
}

/** What tells facts apart, then the rest of the message, then what is derived of it. */
const { fields, derived, identity, eventTime } = stream.definition
const KEY = [identity.once ?? [], identity.scope === 'event_time' ? eventTime : []].flat()
const PARTS: readonly Part[] = [
  ...[...KEY, ...Object.keys(fields).filter((name) => !KEY.includes(name))].map((name): Part => {
    const { kind, options, fallback } = fields[name]!
    const column = options.column ?? name
    return {
      sql: sqlOf(kind.name, column),
      meant: (message) => {
        const value = message[name] ?? fallback
        return value === undefined ? null : textOf(kind.name, value)
      },
    }
  }),
  ...Object.entries(derived ?? {}).map(([name, { kind, options }]): Part => {
    const column = options.column ?? name
    return {
      sql: sqlOf(kind.name, column),
      meant: (message) => derivedOf(message)[column] ?? 'not in the oracle',
    }
  }),
]

const SEPARATOR = '\x1f'
/** A stored fact as one text, in SQL: half a million of them fit into memory so. */
export const FACT = `concat_ws(E'\\x1f', ${PARTS.map(({ sql }) => `coalesce(${sql}, 'null')`).join(', ')})`

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

/** The fact that a message's bytes should become, as FACT writes it. */
export function factOf(value: Buffer): string {
  const message = JSON.parse(value.toString()) as Meant
  return PARTS.map(({ meant }) => meant(message) ?? 'null').join(SEPARATOR)
}

/** Tells facts apart. */
export const identityIn = (fact: string): string => fact.split(SEPARATOR, KEY.length).join(' ')
export const shown = (fact: string | undefined): string => String(fact).replaceAll(SEPARATOR, ' ')
