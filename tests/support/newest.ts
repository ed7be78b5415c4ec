import type { Pool } from 'pg'
import type { Meaning } from './meant.ts'

/** A version that was loaded, and the place that it came from, such as 0:17. */
interface Loaded {
  readonly place: string
  readonly fact: string
}

/**
 * The newest version of each key, of what a log says, and what of it isn't so among the current rows: a complaint and an
 * example each.
 */
export class Newest {
  readonly #meaning: Meaning
  readonly #byKey = new Map<string, Loaded & { readonly version: number | string }>()

  constructor(meaning: Meaning) {
    this.#meaning = meaning
  }

  /** Versions in any order. Of one version there is one that was loaded. */
  add(loaded: Loaded): void {
    const [key, version] = [this.#meaning.keyIn(loaded.fact), this.#meaning.versionIn(loaded.fact)]
    const before = this.#byKey.get(key)
    if (before === undefined || before.version < version) this.#byKey.set(key, { ...loaded, version })
  }

  /** @param table of the current rows. */
  async complaints(pool: Pool, table: string): Promise<(readonly [kind: string, example: string])[]> {
    const { rows } = await pool.query<Loaded>(
      `select source_partition || ':' || source_offset as place, ${this.#meaning.stored} as fact from ${table}`,
    )
    const wrong: (readonly [string, string])[] = []
    const seen = new Set<string>()
    for (const { place, fact } of rows) {
      const key = this.#meaning.keyIn(fact)
      seen.add(key)
      const newest = this.#byKey.get(key)
      if (newest?.place !== place)
        wrong.push([
          'a current row is not the newest version',
          `${key} is of ${place}, not of ${newest?.place}`,
        ])
      else if (newest.fact !== fact) wrong.push(['a current row is not what was sent', `${key} of ${place}`])
    }
    for (const [key, { place }] of this.#byKey)
      if (!seen.has(key)) wrong.push(['a key has no current row', `${key}, the newest is of ${place}`])
    return wrong
  }
}
