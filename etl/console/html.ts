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

/** Nothing. */
export const nothing: Html = raw('')
