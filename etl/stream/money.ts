/**
 * Money is whole cents (hundredths of whatever currency) in a plain number: exact to 2^53, which is
 * ninety million million. No money is ever held as a fraction.
 */

/** Cents as Postgres and people write them: 100001 is "1000.01". */
export function centsToDecimal(cents: number | bigint): string {
  const digits = String(cents).replace('-', '').padStart(3, '0')
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}
