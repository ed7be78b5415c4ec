import type { Definition } from '../etl/stream/definition.ts'
import type { Row } from '../etl/stream/field.ts'
import { writeNested } from '../etl/stream/json.ts'

/** Writes records of a stream as messages. */
export interface Encoder {
  /**
   * A record as JSON; a field that is null is left out.
   *
   * @param changes fields written as these JSON texts; one that is undefined is left out.
   */
  readonly text: (row: Row, changes?: Readonly<Record<string, string | undefined>>) => string
  /** Those that a stream's fields stand in; undefined where none does. */
  readonly headers: (row: Row) => Record<string, string> | undefined
}

/** One writer a field, made once: writing a record is on the way of tens of thousands a second. */
export function createEncoder({ fields }: Pick<Definition, 'fields'>): Encoder {
  const all = Object.entries(fields).map(([name, { kind, options }]) => ({
    name,
    kind,
    at: options.at ?? name,
  }))
  const inValue = all.flatMap(({ at, ...field }) =>
    typeof at === 'string' ? [{ ...field, begins: `"${at}":`, path: at.split('.') }] : [],
  )
  const isFlat = inValue.every(({ path }) => path.length === 1)
  const inHeaders = all.flatMap(({ name, at }) =>
    typeof at === 'object' && 'header' in at ? [{ name, header: at.header }] : [],
  )

  const writtenBy = (
    { name, kind }: (typeof inValue)[number],
    row: Row,
    changes: Readonly<Record<string, string | undefined>> | undefined,
  ): string | undefined => {
    if (changes !== undefined && name in changes) return changes[name]
    const value = row[name]
    return value === null || value === undefined ? undefined : kind.write(value)
  }
  return {
    text: (row, changes) => {
      if (!isFlat) return writeNested(inValue.map((field) => [field.path, writtenBy(field, row, changes)]))
      let text = ''
      for (const field of inValue) {
        const written = writtenBy(field, row, changes)
        if (written !== undefined) text += `${text === '' ? '' : ','}${field.begins}${written}`
      }
      return `{${text}}`
    },
    headers: (row) => {
      if (inHeaders.length === 0) return undefined
      const there = inHeaders.filter(({ name }) => row[name] !== null && row[name] !== undefined)
      return Object.fromEntries(there.map(({ name, header }) => [header, String(row[name])]))
    },
  }
}
