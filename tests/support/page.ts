import type { Answer, ConsoleServer, LoggedIn } from './console.ts'

/** Somebody at a browser: pages by address, forms with their token. */
export interface Visit {
  readonly get: (path: string) => Promise<Answer>
  /** A form, with the session's token. */
  readonly post: (path: string, form?: Readonly<Record<string, string>>) => Promise<Answer>
  /** The bytes of a download. */
  readonly download: (path: string) => Promise<{ headers: Headers; bytes: Buffer; status: number }>
}

export function visitAs(console: ConsoleServer, { cookie, csrfToken }: LoggedIn): Visit {
  return {
    get: (path) => console.ask('GET', path, { cookie }),
    post: (path, form = {}) => console.ask('POST', path, { cookie, form: { ...form, _csrf: csrfToken } }),
    download: async (path) => {
      const answer = await fetch(console.url + path, { headers: { cookie } })
      return {
        status: answer.status,
        headers: answer.headers,
        bytes: Buffer.from(await answer.arrayBuffer()),
      }
    },
  }
}

/** The text of a page as a reader sees it. */
export function textOf({ body }: Answer): string {
  return unescaped(body.replaceAll(/<[^>]*>/g, ' ')).replaceAll(/\s+/g, ' ')
}

/** What a browser sends for a textarea that nobody touched: CR LF for each line end. */
export function untouched({ body }: Answer, name: string): string {
  const content = new RegExp(`<textarea[^>]*name="${name}"[^>]*>\\n?([^<]*)</textarea>`).exec(body)?.[1]
  if (content === undefined) throw new Error(`no textarea ${name}: ${body}`)
  return unescaped(content).replaceAll(/\r\n|\r|\n/g, '\r\n')
}

/** The hidden fields of a page's forms, and the values that its other fields have. */
export function fieldsOf({ body }: Answer): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [tag] of body.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(tag)?.[1]
    const value = /value="([^"]*)"/.exec(tag)?.[1]
    if (name !== undefined && name !== '_csrf') fields[unescaped(name)] = unescaped(value ?? '')
  }
  return fields
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
