/**
 * Money is whole cents (hundredths of whatever currency) in a plain number: exact to 2^53, which is
 * ninety million million. No money is ever held as a fraction.
 */

/** Cents as Postgres and people write them: 100001 is "1000.01". */
export function centsToDecimal(cents: number | bigint): string {
  return toDecimal(cents, 2)
}

/** A whole number of 10^-`scale` as a decimal: of scale 3, 1234567 is "1234.567". */
export function toDecimal(units: number | bigint, scale: number): string {
  const digits = String(units)
    .replace('-', '')
    .padStart(scale + 1, '0')
  const [whole, fraction] = [digits.slice(0, digits.length - scale), digits.slice(digits.length - scale)]
  return `${units < 0 ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** A decimal as a whole number of 10^-`scale`, a safe integer, with no more scale than it needs. */
export interface Decimal {
  readonly units: number
  readonly scale: number
}

/** As text has it: no exponent. */
const PLAIN = /^(-?)(\d+)(?:\.(\d+))?$/
/** As JSON has it. */
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/
/** No amount has so many digits, and longer text isn't worth the time to look at. */
const MAX_LENGTH = 100

/**
 * What a text writes, exactly and never through a double. Zeros in front and at the end tell nothing apart.
 *
 * @param form `number` as JSON writes one, with an exponent or not; `plain` without.
 * @returns `no decimal`, or `too long` for what is no safe integer without its point.
 */
export function readDecimal(text: string, form: 'plain' | 'number'): Decimal | 'no decimal' | 'too long' {
  if (text.length > MAX_LENGTH) return 'too long'
  const [, sign, whole, fraction = '', exponent = '0'] = (form === 'plain' ? PLAIN : NUMBER).exec(text) ?? []
  if (whole === undefined) return 'no decimal'
  const digits = (whole + fraction).replace(/^0+/, '')
  const kept = digits.replace(/0+$/, '')
  if (kept === '') return { units: 0, scale: 0 }
  const scale = fraction.length - Number(exponent) - (digits.length - kept.length)
  if (scale < -16) return 'too long'
  const units = Number(scale < 0 ? kept + '0'.repeat(-scale) : kept)
  if (!Number.isSafeInteger(units)) return 'too long'
  return { units: sign === '-' ? -units : units, scale: Math.max(scale, 0) }
}

/** A decimal in units of 10^-`scale`; undefined where it has more decimals, or that many units are no safe integer. */
export function inUnits({ units, scale: own }: Decimal, scale: number): number | undefined {
  if (own > scale) return undefined
  const value = units * 10 ** (scale - own)
  return Number.isSafeInteger(value) ? value : undefined
}
