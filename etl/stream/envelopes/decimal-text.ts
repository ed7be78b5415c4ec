/**
 * The digits of a decimal: a whole number in two's complement, most significant byte first, divided by ten to the power
 * of the scale.
 *
 * @example decimalText(Buffer.from([0x04, 0xe2]), 2) === '12.50'
 */
export function decimalText(unscaled: Buffer, scale: number): string {
  const digits = BigInt.asIntN(
    unscaled.length * 8,
    BigInt(unscaled.length === 0 ? 0 : `0x${unscaled.toString('hex')}`),
  )
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0')
  const sign = digits < 0n ? '-' : ''
  return scale === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`
}
