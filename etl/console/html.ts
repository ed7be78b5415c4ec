import { isUtf8 } from 'node:buffer'
import { html as tagged, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** HTML that was escaped: only `html` makes it, so a plain string can never be shown as markup. */
export type Html = HtmlEscapedString

declare module 'fastify' {
  interface FastifyReply {
    html(content: Html): FastifyReply
  }
}

/** A template that escapes all that is put into it, except other templates. Arrays are joined; null and false vanish. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return tagged(parts, ...values) as Html
}

export const nothing: Html = raw('')

/**
 * What can't be seen, or deceives the eye: control characters, marks that turn the direction of text or
 * join it, line and paragraph separators. Line feed and tab are what they are.
 */
const UNSEEN = /((?:(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}])+)/u
const NOT_ASCII = /((?:[^\n\t\x20-\x7e])+)/

/** Text from elsewhere, with what can't be seen of it made visible: NUL is \u0000. */
export const visible = (text: string): Html => shown(text, UNSEEN, unicodeEscape)

/** Bytes as text. Where they are no UTF-8, those that are no ASCII stand as \xff: nothing is made up. */
export function visibleBytes(bytes: Buffer): Html {
  return isUtf8(bytes) ? visible(bytes.toString()) : shown(bytes.toString('latin1'), NOT_ASCII, byteEscape)
}

/** The odd parts of a split by a pattern with one group are what the group matched. */
function shown(text: string, hidden: RegExp, escape: (unit: string) => string): Html {
  return html`${text
    .split(hidden)
    .map((part, i) =>
      i % 2 === 0 ? part : html`<span class="control">${Array.from(part, escape).join('')}</span>`,
    )}`
}

const unicodeEscape = (character: string): string => {
  const code = character.codePointAt(0)!
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
}
const byteEscape = (unit: string): string => `\\x${unit.charCodeAt(0).toString(16).padStart(2, '0')}`
