import { hexDump } from '../../../etl/text/hex.ts'
import { isPlain } from '../../../etl/text/printable.ts'
import { count } from '../../../etl/text/wording.ts'

/** What is shown of a payload that is longer. */
export const SHORT_BYTES = 4_096

/** The text that bytes hold, where they are UTF-8 that a terminal shows and doesn't obey; else undefined. */
export function plainText(bytes: Buffer): string | undefined {
  try {
    // The decoder would take a byte order mark away.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return isPlain(text) ? text : undefined
  } catch {
    return undefined
  }
}

/** A payload for people, under a heading: as text where that is safe, else as a hex dump. */
export function renderPayload(name: string, bytes: Buffer | null, full: boolean): string[] {
  if (bytes === null) return [`${name}: null`]
  if (bytes.length === 0) return [`${name}: empty`]
  const text = plainText(bytes)
  const size = count(bytes.length, 'byte')
  if (text === undefined) {
    const shown = full ? bytes : bytes.subarray(0, SHORT_BYTES)
    return [
      `${name}: ${size}, not plain UTF-8 text`,
      ...indented(hexDump(shown)),
      ...rest(bytes.length - shown.length),
    ]
  }
  const shown = full ? text : text.slice(0, SHORT_BYTES)
  return [
    `${name}: ${size} of text`,
    ...indented(shown),
    ...(shown.length < text.length ? ['  … (--full shows all)'] : []),
  ]
}

const rest = (bytes: number): string[] =>
  bytes > 0 ? [`  … ${count(bytes, 'byte')} more (--full shows all)`] : []

const indented = (text: string): string[] => text.split(/\r\n|\r|\n/).map((line) => `  ${line}`)
