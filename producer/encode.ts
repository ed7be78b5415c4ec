import type { Definition } from '../etl/stream/definition.ts'
import type { Row } from '../etl/stream/field.ts'

/** Writes records of a stream as messages. */
export interface Encoder {
  /**
   * A record as JSON; a field that is null is left out.
   *
   * @param changes fields written as these JSON texts; one that is undefined is left out.
   */
  readonly text: (row: Row, changes?: Readonly<Record<string, string | undefined>>) => string
}

/** One writer a field, made once: writing a record is on the way of tens of thousands a second. */
export function createEncoder({ fields }: Pick<Definition, 'fields'>): Encoder {
  const writers = Object.entries(fields).map(([name, { kind }]) => ({ name, begins: `"${name}":`, kind }))
  return {
    text: (row, changes) => {
      let text = ''
      for (const { name, begins, kind } of writers) {
        const value = row[name]
        const written =
          changes !== undefined && name in changes
            ? changes[name]
            : value === null || value === undefined
              ? undefined
              : kind.write(value)
        if (written !== undefined) text += `${text === '' ? '' : ','}${begins}${written}`
      }
      return `{${text}}`
    },
  }
}
