import { NAMING_BATCH, OWN_COLUMNS, RESERVED_WORDS, TAKEN } from '../../etl/stream/define.ts'

const LONGEST = 41

/** What one fact is, as far as English plurals go: `site_visits` is a site visit. */
export function titleOf(stream: string): string {
  return singular(stream).replaceAll('_', ' ')
}

const singular = (name: string): string =>
  /(us|ss|is)$/.test(name)
    ? name
    : name
        .replace(/ies$/, 'y')
        .replace(/(ss|x|ch|sh)es$/, '$1')
        .replace(/([^s])s$/, '$1')

/** Words that a constant can't be named by. */
const NOT_A_CONSTANT =
  'await break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield'.split(
    ' ',
  )

/** `siteVisits`, of a stream `site_visits`; none of these names. */
export function constantOf(stream: string, taken: readonly string[]): string {
  const name = stream
    .replaceAll(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    .replace(/_+$/, '')
  return NOT_A_CONSTANT.includes(name) || taken.includes(name) ? `${name}Stream` : name
}

/** Gives out names of fields and columns, each once. */
export class Names {
  readonly #stream: string
  readonly #fields = new Set<string>(TAKEN)
  readonly #columns = new Set<string>([...OWN_COLUMNS, ...NAMING_BATCH, ...RESERVED_WORDS])

  /** @param columns that are taken besides. */
  constructor(stream: string, columns: readonly string[] = []) {
    this.#stream = singular(stream)
    for (const column of columns) this.#columns.add(column)
  }

  /** Of what stands at this path: `customer.firstName` is customer_first_name, in a column of that name if it is free. */
  name(path: string): { field: string; column: string } {
    const field = this.#free(snake(path), this.#fields)
    return { field, column: this.#free(field, this.#columns) }
  }

  /** `id` of a visit is `visit_id` where it is taken; then `visit_id_2`. */
  #free(wanted: string, taken: Set<string>): string {
    let name = wanted.slice(0, LONGEST)
    if (taken.has(name)) name = `${this.#stream}_${wanted}`.slice(0, LONGEST)
    for (let n = 2; taken.has(name); n++) name = `${`${this.#stream}_${wanted}`.slice(0, LONGEST - 4)}_${n}`
    taken.add(name)
    return name
  }
}

/** Any text as letters a to z, digits and _. */
export function snake(text: string): string {
  const name = text
    .normalize('NFKD')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f]/g, '')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
  return /^[a-z]/.test(name) ? name : name === '' ? 'field' : `field_${name}`
}
