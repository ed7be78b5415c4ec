/**
 * What a terminal obeys or what deceives the eye: control characters (C0, DEL, C1), line and paragraph
 * separators, marks that turn the direction of text, and lone surrogates.
 */
const DANGEROUS = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** Text from elsewhere (a payload, a name) as one line that a terminal shows and doesn't obey. */
export function printable(text: string): string {
  return text.replaceAll(DANGEROUS, escape)
}

/** The same for JSON: only inside its strings can such characters be, so the result means the same. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent)
    .split('\n')
    .map((line) => line.replaceAll(DANGEROUS, escape))
    .join('\n')
}

/** Whether text may be shown as it is; line ends and tabs are no danger in a block of text. */
export function isPlain(text: string): boolean {
  return text.replaceAll(/[\n\r\t]/g, '').search(DANGEROUS) < 0
}

function escape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
