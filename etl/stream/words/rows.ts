import { z } from 'zod'
import { int4s } from '../../postgres/binary-arrays.ts'
import { integer } from '../../postgres/drizzle.ts'
import { differs } from '../columns.ts'
import { type Draw, Field, type FieldOptions, type KindName, type Row, wireOf } from '../field.ts'
import { excerptOf, valueAt, writeNested } from '../json.ts'
import { objectSchema } from '../json-schema.ts'
import { broken } from './making.ts'

/** What a line may have: every word but further lines. */
export type LineFields = Readonly<Record<string, Field<unknown, Exclude<KindName, 'rows'>>>>

/** A field whose value is lines of their own. */
export type RowsField<L extends LineFields, Personal extends boolean> = Field<
  readonly Row<L>[],
  'rows',
  Personal
> & {
  /** For the compiler alone. */
  readonly lines: L
}

/** More lines than this nobody means; a record of 1 MiB could have a hundred thousand. */
const MAX_LINES = 1_000
/** Of a record with many bad lines these are told. */
const TOLD_LINES = 10

/**
 * Lines: an array of objects, each with these fields. In code an array of rows; a table of their own, `<stream>_<field>`,
 * with the primary key of the fact and `line_no` from 1 on. The fact's column has their number.
 *
 * Two records are the same if they have equal lines in the same order. One bad line makes the record a dead letter
 * that names it: `lines[3].amount`, counted from 0 as JSON is.
 *
 * @param options `max`: how many there may be, 1,000 unless told, 1 to 10,000.
 * @throws RangeError for another `max`.
 * @example lines: rows({ sku: text(20), quantity: int({ min: 1 }), price: money({ of: 'currency' }) })
 */
export function rows<const L extends LineFields, Personal extends boolean = false>(
  fields: L,
  { max = MAX_LINES, ...options }: FieldOptions<Personal> & { readonly max?: number } = {},
): RowsField<L, NoInfer<Personal>> {
  if (!Number.isInteger(max) || max < 1 || max > 10_000)
    throw new RangeError(`rows(…, { max: ${max} }): max must be a whole number from 1 to 10000`)
  const accepted = `a list of at most ${max} objects`
  // What is no word is refused by defineStream, in a sentence.
  const known = Object.fromEntries(Object.entries(fields).filter(([, word]) => word instanceof Field))
  const words = Object.entries(known).map(([name, word]) => ({ name, word, path: pathOf(name, word) }))
  const wire = compileLines(words)
  const sample = (draw: Draw, nowMs: number): Row =>
    Object.fromEntries(
      words.map(({ name, word }) => [
        name,
        word.isOptional && draw.chance(0.3) ? null : word.kind.sample(draw, nowMs),
      ]),
    )
  /** One line's JSON, with this text in the place of a field's. */
  const written = (
    line: Row,
    changed?: { readonly name: string; readonly text: string | undefined },
  ): string =>
    writeNested(
      words.map(({ name, word, path }) => {
        const value = line[name]
        const text = value === null || value === undefined ? undefined : word.kind.write(value)
        return [path, changed?.name === name ? changed.text : text]
      }),
    )
  const plain = sample(PLAIN, 0)
  const bad = words.flatMap(({ name, word }) => [
    ...Object.entries(word.kind.refuses).map(([what, text]) => ({
      name: `with_${name}_${what}`,
      text: written(plain, { name, text }),
    })),
    ...(word.isOptional || word.fallback !== undefined
      ? []
      : [{ name: `with_${name}_missing`, text: written(plain, { name, text: undefined }) }]),
  ])
  const kind: Field<readonly Row[], 'rows'>['kind'] = {
    name: 'rows',
    lines: { fields, max },
    isExact: words.some(({ word }) => word.kind.isExact === true),
    schema: {
      type: 'array',
      items: objectSchema(known),
      maxItems: max,
      description: accepted,
    },
    inCode: 'an array of rows',
    refuses: {
      no_list: '"a"',
      no_objects: '[1]',
      too_many: `[${Array<string>(max + 1)
        .fill(written(plain))
        .join()}]`,
      ...Object.fromEntries(bad.map(({ name, text }) => [name, `[${written(plain)},${text}]`])),
    },
    sample: (draw, nowMs) => Array.from({ length: draw.between(1, 3) }, () => sample(draw, nowMs)),
    write: (lines) => `[${lines.map((line) => written(line)).join()}]`,
    wire: z.unknown().transform((given, context) => {
      const [value, exact] = given instanceof ExactLines ? [given.plain, given.exact] : [given, undefined]
      if (!Array.isArray(value) || value.length > max) {
        const message = Array.isArray(value)
          ? `is a list of ${value.length}; it must be ${accepted}`
          : broken(value, accepted)
        context.addIssue({ code: 'custom', input: value, message })
        return z.NEVER
      }
      const lines: Row[] = []
      let told = 0
      for (const [i, line] of (value as unknown[]).entries()) {
        const read = wire(line, (exact as unknown[] | undefined)?.[i])
        if ('row' in read) lines.push(read.row)
        else if (told++ < TOLD_LINES)
          for (const { path, message } of read.issues)
            context.addIssue({ code: 'custom', input: line, path: [i, ...path], message })
      }
      return told === 0 ? lines : z.NEVER
    }),
    column: (name) => integer(name),
    element: 'int4',
    encode: (values) => int4s(values.map((lines) => lines && lines.length)),
    read: (column) => column,
    equal: (a, b) =>
      a.length === b.length &&
      a.every((line, i) => words.every(({ name, word }) => !differs(word.kind, line[name], b[i]![name]))),
    show: (lines) => `[${lines.map((line) => written(line)).join()}]`.slice(0, 300),
    toColumn: (lines) => lines.length,
    // Their number stays; what the lines say is theirs to forget.
    marker: '0',
  }
  return new Field<readonly Row<L>[], 'rows', NoInfer<Personal>>(kind as never, options) as RowsField<
    L,
    NoInfer<Personal>
  >
}

/** Lines as they are, and with their long numbers as they were written: which of the two is a field's own affair. */
export class ExactLines {
  readonly plain: unknown
  readonly exact: unknown
  constructor(plain: unknown, exact: unknown) {
    this.plain = plain
    this.exact = exact
  }
}

interface LineWord {
  readonly name: string
  readonly word: Field<unknown>
  readonly path: readonly string[]
}

/** The key and headers are the record's, not a line's: `defineStream` refuses them. */
const pathOf = (name: string, { options: { at = name } }: Field<unknown>): string[] =>
  typeof at === 'string' ? at.split('.') : [name]

type ReadLine =
  | { readonly row: Row }
  | { readonly issues: readonly { readonly path: readonly string[]; readonly message: string }[] }

function compileLines(words: readonly LineWord[]): (line: unknown, exact: unknown) => ReadLine {
  const schema = z.compile(z.object(Object.fromEntries(words.map(({ name, word }) => [name, wireOf(word)]))))
  const paths = new Map(words.map(({ name, path }) => [name, path]))
  const isFlat = words.every(({ path, name }) => path.length === 1 && path[0] === name)
  return (line, exact) => {
    if (typeof line !== 'object' || line === null || Array.isArray(line))
      return { issues: [{ path: [], message: `is ${excerptOf(line)}; it must be an object` }] }
    const input =
      isFlat && exact === undefined
        ? line
        : Object.fromEntries(
            words.map(({ name, word, path }) => [
              name,
              valueAt(exact !== undefined && word.kind.isExact === true ? exact : line, path),
            ]),
          )
    const { data, error } = schema.safeParse(input)
    if (error === undefined) return { row: data }
    return {
      issues: error.issues.map(({ path: [name], message }) => ({
        path: paths.get(String(name)) ?? [String(name)],
        message,
      })),
    }
  }
}

/** For the one line that the bad ones are made of. */
const PLAIN: Draw = { between: (min) => min, chance: () => false, pick: ([first]) => first! }
