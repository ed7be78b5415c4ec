import type { Snapshot } from './snapshot.ts'

const FETCH_ROWS = 5_000

/**
 * The rows of a statement that is ordered by its column "offset", through a cursor on the server: no more
 * than what was asked for and one fetch more is held here.
 */
export class SortedRows<Stored extends { offset: number }> {
  readonly #snapshot: Snapshot
  readonly #name: string
  #rows: Stored[] = []
  #ended = false

  private constructor(snapshot: Snapshot, name: string) {
    this.#snapshot = snapshot
    this.#name = name
  }

  /** @param name of the cursor, once in a transaction. */
  static async open<Stored extends { offset: number }>(
    snapshot: Snapshot,
    name: string,
    sql: string,
    values: readonly unknown[],
  ): Promise<SortedRows<Stored>> {
    await snapshot.query(`declare ${name} no scroll cursor for ${sql}`, [...values])
    return new SortedRows<Stored>(snapshot, name)
  }

  /** The next rows that lie below an offset. */
  async takeBelow(offset: number): Promise<Stored[]> {
    const taken: Stored[] = []
    for await (const chunk of this.chunksBelow(offset)) taken.push(...chunk)
    return taken
  }

  /** Leaves them out, and says how many they were. */
  async skipBelow(offset: number): Promise<number> {
    let skipped = 0
    for await (const chunk of this.chunksBelow(offset)) skipped += chunk.length
    return skipped
  }

  /** The next rows that lie below an offset, some thousand at a time. */
  async *chunksBelow(offset: number): AsyncGenerator<readonly Stored[]> {
    for (;;) {
      const end = this.#rows.findIndex((row) => row.offset >= offset)
      const chunk = this.#rows.splice(0, end < 0 ? this.#rows.length : end)
      if (chunk.length > 0) yield chunk
      if (this.#rows.length > 0 || this.#ended) return
      const { rows } = await this.#snapshot.query<Stored>(`fetch ${FETCH_ROWS} from ${this.#name}`)
      this.#rows = rows
      this.#ended = rows.length < FETCH_ROWS
    }
  }

  async close(): Promise<void> {
    await this.#snapshot.query(`close ${this.#name}`)
  }
}
