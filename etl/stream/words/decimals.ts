import { z } from 'zod'
import { texts } from '../../postgres/binary-arrays.ts'
import { numeric } from '../../postgres/drizzle.ts'
import type { FieldOptions } from '../field.ts'
import { toDecimal } from '../money.ts'
import { asItIs, broken, DECIMAL_PATTERN, make, must, quoted, same } from './making.ts'

/**
 * A decimal of a fixed number of decimals, written as a JSON number of at most 15 digits or as a string of any. In code
 * the string with all its decimals, "12.50"; a column `numeric`.
 *
 * With `encoding: 'connect'` as Kafka Connect writes its Decimal into JSON, and Debezium with `decimal.handling.mode=precise`:
 * the base64 of an integer, big-endian and in two's complement, which is the decimal without its point.
 *
 * @param options `digits` in all, 1 to 100, `scale` of them after the point.
 * @example rate: decimal({ digits: 9, scale: 6 })
 * @example price: decimal({ digits: 10, scale: 2, encoding: 'connect' })
 */
export const decimal = <Personal extends boolean = false>({
  digits,
  scale,
  encoding,
  ...options
}: FieldOptions<Personal> & {
  readonly digits: number
  readonly scale: number
  readonly encoding?: 'connect'
}) =>
  make<string, 'decimal'>({
    name: 'decimal',
    ...(encoding === undefined ? asDecimal(digits, scale) : asConnect(digits, scale)),
    inCode: 'a string with all its decimals',
    sample: (draw) => fixed(String(draw.between(0, 10 ** Math.min(digits - scale, 4) - 1)), scale)!,
    column: (name) => numeric(name, { precision: digits, scale }),
    element: 'text',
    cast: 'numeric',
    encode: texts,
    read: (column) => `${column}::text`,
    equal: same,
    show: asItIs,
    toColumn: asItIs,
    marker: '0',
  })<Personal>(options)

const inDigits = (digits: number, scale: number): string =>
  `at most ${digits - scale} digits before the point and ${scale} after it`

function asDecimal(digits: number, scale: number) {
  const accepted = `a number with ${inDigits(digits, scale)}`
  return {
    schema: {
      type: ['number', 'string'],
      pattern: DECIMAL_PATTERN,
      'x-digits': digits,
      'x-decimals': scale,
      description: `${accepted}: a JSON number of at most 15 digits, or a string`,
    },
    refuses: {
      text: '"twelve"',
      empty: '""',
      exponent: '"1e3"',
      too_many_decimals: `"0.${'1'.repeat(scale + 1)}"`,
      too_large: `"1${'0'.repeat(digits - scale)}"`,
      boolean: 'true',
    },
    write: quoted,
    wire: z
      .union(
        [
          z.string(),
          z.number().refine((value) => String(value).replace(/\D/g, '').length <= 15, must(accepted)),
        ],
        must(accepted),
      )
      .transform((value, context) => {
        const text = fixed(String(value), scale)
        if (text !== undefined && isWithin(text, digits - scale)) return text
        context.addIssue({ code: 'custom', input: value, message: broken(value, accepted) })
        return z.NEVER
      }),
  }
}

const isWithin = (text: string, before: number): boolean =>
  text.replace(/^-?0*/, '').split('.')[0]!.length <= before

/** Longer text is no decimal of ours, and not worth the time: the expression below goes over each run of zeros again and again. */
const MAX_LENGTH = 300

/** A decimal with so many decimals, as Postgres writes it; undefined for what is none, or has more. */
function fixed(text: string, scale: number): string | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const match = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/.exec(text)
  const [, sign, whole, decimals = ''] = match ?? []
  if (whole === undefined || decimals.length > scale) return undefined
  const value = scale === 0 ? whole : `${whole}.${decimals.padEnd(scale, '0')}`
  return sign === '-' && /[1-9]/.test(value) ? `-${value}` : value
}

function asConnect(digits: number, scale: number) {
  const accepted = `the base64 of an integer in two's complement, that is a decimal with ${inDigits(digits, scale)}`
  return {
    schema: {
      type: 'string',
      contentEncoding: 'base64',
      'x-digits': digits,
      'x-decimals': scale,
      description: accepted,
    },
    refuses: {
      decimal: '"12.50"',
      number: '12.5',
      empty: '""',
      no_base64: '"Zz*="',
      too_large: quoted(toConnect(`1${'0'.repeat(digits)}`)),
    },
    write: (value: string) => quoted(toConnect(value.replace('.', ''))),
    wire: z.string(must(accepted)).transform((value, context) => {
      const units = fromConnect(value)
      const text = units === undefined ? undefined : fixed(toDecimal(units, scale), scale)
      if (text !== undefined && isWithin(text, digits - scale)) return text
      context.addIssue({ code: 'custom', input: value, message: broken(value, accepted) })
      return z.NEVER
    }),
  }
}

/** Of 100 digits, and some to spare. */
const MAX_CONNECT_BYTES = 64

function fromConnect(text: string): bigint | undefined {
  const isBase64 = text.length % 4 === 0 && text !== '' && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
  const bytes = isBase64 ? Buffer.from(text, 'base64') : undefined
  if (bytes === undefined || bytes.length === 0 || bytes.length > MAX_CONNECT_BYTES) return undefined
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
}

/** In as few bytes as Java's BigInteger.toByteArray, which Kafka Connect writes. */
function toConnect(units: string): string {
  const value = BigInt(units)
  let bytes = 1
  while (BigInt.asIntN(bytes * 8, value) !== value) bytes += 1
  const hex = BigInt.asUintN(bytes * 8, value).toString(16)
  return Buffer.from(hex.padStart(bytes * 2, '0'), 'hex').toString('base64')
}
