import { z } from 'zod'
import { bools, int4s, int8s } from '../../postgres/binary-arrays.ts'
import { bigint, boolean, smallint } from '../../postgres/drizzle.ts'
import type { FieldOptions } from '../field.ts'
import { asItIs, make, must, same } from './making.ts'

/**
 * A whole JSON number that a double holds exactly. In code a number; a column `bigint`.
 *
 * @param options `min`, `max`: what is accepted, both included; ±(2^53 − 1) unless told.
 * @example quantity: int({ min: 1, max: 10_000 })
 */
export const int = <Personal extends boolean = false>({
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
  ...options
}: FieldOptions<Personal> & { readonly min?: number; readonly max?: number } = {}) =>
  make<number, 'int'>({
    name: 'int',
    schema: {
      type: 'integer',
      minimum: min,
      maximum: max,
      description: `a whole number from ${min} to ${max}`,
    },
    inCode: 'a number',
    refuses: {
      fraction: '1.5',
      string: '"17"',
      boolean: 'true',
      ...(max < Number.MAX_SAFE_INTEGER && { too_large: String(max + 1) }),
      ...(min > Number.MIN_SAFE_INTEGER && { too_small: String(min - 1) }),
      not_exact: '9007199254740993',
    },
    sample: (draw) => draw.between(Math.max(min, 0), Math.min(max, Math.max(min, 0) + 1_000)),
    write: String,
    wire: z
      .number(must('a whole JSON number'))
      .refine(
        (value) => Number.isSafeInteger(value) && value >= min && value <= max,
        must(`a whole number from ${min} to ${max}`),
      )
      // −0 is 0, or two records that say the same would differ.
      .transform((value) => value + 0),
    column: (name) => bigint(name, { mode: 'number' }),
    element: 'int8',
    encode: int8s,
    read: asItIs,
    equal: same,
    show: String,
    toColumn: (value) => value,
    marker: String(Math.min(Math.max(0, min), max)),
  })<Personal>(options)

/**
 * A whole number from 0 to 100. In code a number; a column `smallint`.
 *
 * @example fraud_score: percent()
 */
export const percent = make<number, 'percent'>({
  name: 'percent',
  schema: { type: 'integer', minimum: 0, maximum: 100, description: 'a whole number from 0 to 100' },
  inCode: 'a number',
  refuses: { above: '101', below: '-1', fraction: '1.5', string: '"50"' },
  sample: (draw) => draw.between(0, 100),
  write: String,
  wire: z
    .number(must('a whole JSON number'))
    .refine(
      (value) => Number.isInteger(value) && value >= 0 && value <= 100,
      must('a whole number from 0 to 100'),
    )
    .transform((value) => value + 0),
  column: smallint,
  element: 'int4',
  encode: int4s,
  read: asItIs,
  equal: same,
  show: String,
  toColumn: (value) => value,
  marker: '0',
  check: { condition: (column) => `${column} between 0 and 100` },
})

/**
 * True or false. In code a boolean; a column `boolean`.
 *
 * @example is_gift: flag()
 */
export const flag = make<boolean, 'flag'>({
  name: 'flag',
  schema: { type: 'boolean', description: 'true or false' },
  inCode: 'a boolean',
  refuses: { number: '1', string: '"true"' },
  sample: (draw) => draw.chance(0.5),
  write: String,
  wire: z.boolean(must('true or false')),
  column: boolean,
  element: 'bool',
  encode: bools,
  read: asItIs,
  equal: same,
  show: String,
  toColumn: (value) => value,
  marker: 'false',
})
