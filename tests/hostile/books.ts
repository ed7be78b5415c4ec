import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import type { Contract, Subject, Sums } from './contract.ts'

/** A fact where the warehouse has it. */
export interface LoadedFact {
  /** Partition and offset, such as 0:17. */
  readonly at: string
  readonly fact: unknown
}

interface Kept {
  readonly at: string
  /** What another record of its identity is compared with, and what is stored of it; hashes, as there are many. */
  readonly compared: string
  readonly shown: string
}

/** What counts of a fact. */
interface Counted {
  readonly at: string
  readonly shown: string
  readonly version: number
  readonly isDeletion: boolean
  readonly cells: readonly Cell[]
}
interface Cell {
  readonly table: string
  readonly cell: string
  readonly shares: readonly bigint[]
}

/** Where what was loaded is: facts, or the history of versions. */
export const loadedTable = ({ name, contract }: Subject): string =>
  `warehouse.${name}${contract.versions === undefined ? '' : '_history'}`

/**
 * What a warehouse must hold after all that was found loaded: every fact still, of each key the newest version, and the
 * sums over what counts. It is worked out of the facts alone, in whatever order they came.
 */
export class Books {
  readonly #subject: Subject
  readonly #kept = new Map<string, Kept>()
  readonly #newest = new Map<string, Counted>()
  readonly #sums = new Map<string, readonly bigint[]>()

  constructor(subject: Subject) {
    this.#subject = subject
  }

  /** @returns what was loaded of an identity, to compare another record with; undefined where nothing was. */
  comparedOf(identity: string): string | undefined {
    return this.#kept.get(identity)?.compared
  }

  add({ at, fact }: LoadedFact): void {
    const { contract } = this.#subject
    const { identityOf, versions, sums = [] } = contract
    const shown = hash(contract.shown(fact))
    this.#kept.set(identityOf(fact), { at, shown, compared: comparedText(contract, fact) })
    const cells = sums.map((one) => ({
      table: one.table,
      cell: one.cellOf(fact),
      shares: one.sharesOf(fact),
    }))
    if (versions === undefined) return count(this.#sums, cells)
    const [key, version] = [versions.keyOf(fact), versions.versionOf(fact)]
    const before = this.#newest.get(key)
    if (before !== undefined && before.version > version) return
    const isDeletion = versions.isDeletion(fact)
    this.#newest.set(key, { at, shown, version, isDeletion, cells: isDeletion ? [] : cells })
  }

  /** What of it isn't so in the warehouse, a sentence each. */
  async complaints(pool: Pool): Promise<string[]> {
    const { name, contract } = this.#subject
    const table = `warehouse.${name}`
    const all = new Map([...this.#kept.values()].map(({ at, shown }) => [at, shown]))
    const found = [await this.#differences(pool, loadedTable(this.#subject), all)]
    const sums = new Map(this.#sums)
    if (contract.versions !== undefined) {
      const newest = [...this.#newest.values()]
      const live = newest.filter(({ isDeletion }) => !isDeletion).map(({ at }) => [at, ''] as const)
      found.push(
        await this.#differences(pool, table, new Map(newest.map(({ at, shown }) => [at, shown]))),
        await this.#differences(pool, `${table}_live`, new Map(live), `''`),
        await this.#differences(
          pool,
          `(select * from ${table}_versions where is_current)`,
          new Map(live),
          `''`,
        ),
      )
      for (const { cells } of newest) count(sums, cells)
    }
    for (const one of contract.sums ?? []) found.push(await wrongSums(pool, one, sums))
    return found.flat()
  }

  async #differences(
    pool: Pool,
    table: string,
    expected: ReadonlyMap<string, string>,
    stored = this.#subject.contract.stored,
  ): Promise<string[]> {
    const { rows } = await pool.query<{ at: string; stored: string }>(
      `select source_partition || ':' || source_offset as at, ${stored} as stored from ${table} t`,
    )
    const found = new Map(
      rows.map((row) => [row.at, row.stored === '' ? '' : hash(JSON.stringify(JSON.parse(row.stored)))]),
    )
    const twice = rows.length - found.size
    return [
      ...(twice === 0 ? [] : [`${table} has ${twice} rows more than records`]),
      ...listed(
        `${table} lacks the row of`,
        [...expected.keys()].filter((at) => !found.has(at)),
      ),
      ...listed(
        `${table} has a row too many, of`,
        [...found.keys()].filter((at) => !expected.has(at)),
      ),
      ...listed(
        `${table} has other values than were sent at`,
        [...expected].filter(([at, shown]) => found.has(at) && found.get(at) !== shown).map(([at]) => at),
      ),
    ]
  }
}

function count(sums: Map<string, readonly bigint[]>, cells: readonly Cell[]): void {
  for (const { table, cell, shares } of cells) {
    const sum = sums.get(`${table} ${cell}`)
    sums.set(`${table} ${cell}`, sum === undefined ? shares : sum.map((one, i) => one + shares[i]!))
  }
}

const sumsText = (sums: readonly bigint[] | undefined): string =>
  sums === undefined || sums.every((sum) => sum === 0n) ? 'nothing' : String(sums)

async function wrongSums(
  pool: Pool,
  { table, cell, measures }: Sums<unknown>,
  expected: ReadonlyMap<string, readonly bigint[]>,
): Promise<string[]> {
  const { rows } = await pool.query<{ cell: string; sums: string[] }>(
    `select ${cell} as cell, array[${measures.map((one) => `(${one})::int8::text`).join(', ')}] as sums
     from warehouse.${table} group by 1`,
  )
  const found = new Map(rows.map((row) => [`${table} ${row.cell}`, row.sums.map(BigInt)]))
  const cells = [...expected.keys(), ...found.keys()].filter((name) => name.startsWith(`${table} `))
  return listed(
    'a sum is wrong, of',
    [...new Set(cells)]
      .filter((name) => sumsText(expected.get(name)) !== sumsText(found.get(name)))
      .map((name) => `${name}: ${sumsText(found.get(name))}, should be ${sumsText(expected.get(name))}`),
  )
}

const SHOWN = 5
const listed = (what: string, all: readonly string[]): string[] =>
  all.length === 0
    ? []
    : [
        `${what} ${all.slice(0, SHOWN).join(', ')}${all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''}`,
      ]

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22)

/** The same for facts that say the same. */
export const comparedText = ({ comparedOf, shown }: Contract, fact: unknown): string =>
  hash((comparedOf ?? shown)(fact))
