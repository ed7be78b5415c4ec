/** Of each complaint so many are listed. */
const LISTED = 10

/** What is wrong, by kinds. */
export class Complaints {
  readonly #byKind = new Map<string, { count: number; examples: string[] }>()

  add(kind: string, example: string): void {
    const { count, examples } = this.#byKind.get(kind) ?? { count: 0, examples: [] }
    if (count < LISTED) examples.push(example)
    this.#byKind.set(kind, { count: count + 1, examples })
  }

  lines(): string[] {
    return [...this.#byKind].flatMap(([kind, { count, examples }]) => [
      ...examples.map((example) => `${kind}: ${example}`),
      ...(count > LISTED ? [`${kind}: ${count - LISTED} more`] : []),
    ])
  }
}
