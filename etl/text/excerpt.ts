/**
 * Pieces of a hostile value that may stand in a message: short whatever the input, and free of
 * everything that jsonb refuses (NUL, lone surrogates) or a terminal or a reader could be deceived by
 * (control and format characters, line separators).
 */

/** Code points of a value that a message shows at most. */
const EXCERPT_LENGTH = 40

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/**
 * A parsed JSON value as a message shows it: `-5`, `"12.50"`, `null`, `an array`. Never looks into an
 * object or calls a method of it.
 */
export function excerpt(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (typeof value === 'string') return `"${plain(value, EXCERPT_LENGTH)}"`
  if (typeof value === 'number') return number(value)
  if (typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'an array' : `an ${typeof value}`
}

/** Text without anything unprintable, and cut after `limit` code points. */
export function plain(text: string, limit: number): string {
  const head = Array.from(text.slice(0, limit * 2))
    .slice(0, limit)
    .join('')
  const shown = head.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return head.length < text.length ? `${shown}…` : shown
}

function number(value: number): string {
  if (Object.is(value, -0)) return '-0'
  if (Number.isFinite(value)) return String(value)
  return `a number beyond ±${Number.MAX_VALUE.toPrecision(2)}`
}
