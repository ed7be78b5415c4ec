const BYTES_IN_A_LINE = 16

/** Offset, bytes, and the ASCII among them, line by line. */
export function hexDump(bytes: Buffer): string {
  return linesOf(bytes)
    .map((line, i) => {
      const at = (i * BYTES_IN_A_LINE).toString(16).padStart(8, '0')
      const ascii = line.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.')
      return `${at}  ${pairs(line).padEnd(BYTES_IN_A_LINE * 3)} ${ascii}`
    })
    .join('\n')
}

/** The bytes alone, for somebody to edit: pairs of digits, 16 in a line. */
export const hexOf = (bytes: Buffer): string => linesOf(bytes).map(pairs).join('\n')

/** The bytes that somebody wrote as hex, with any space between them; undefined where it is none. */
export function bytesOfHex(text: string): Buffer | undefined {
  const digits = text.replaceAll(/\s/g, '')
  return /^[0-9a-f]*$/i.test(digits) && digits.length % 2 === 0 ? Buffer.from(digits, 'hex') : undefined
}

const pairs = (bytes: Buffer): string => bytes.toString('hex').replaceAll(/..(?!$)/g, '$& ')

function linesOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / BYTES_IN_A_LINE) }, (_, i) =>
    bytes.subarray(i * BYTES_IN_A_LINE, (i + 1) * BYTES_IN_A_LINE),
  )
}
