/** Strings, brackets, and what stands between them. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]|[^\s"{}[\],]+/g

export interface Span {
  readonly start: number
  /** One past the last character. */
  readonly end: number
}

/**
 * Where the members of a JSON object stand in its text, name and value. Of a name that occurs twice the
 * last one, which is the one that counts.
 *
 * @param text of an object that JSON.parse takes.
 */
export function memberSpans(text: string): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>()
  let depth = 0
  let member: { name: string; start: number } | undefined
  let end = 0
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1 && (token === ',' || token === '}') && member !== undefined) {
      spans.set(member.name, { start: member.start, end })
      member = undefined
    } else if (depth === 1 && member === undefined && token.startsWith('"')) {
      member = { name: JSON.parse(token) as string, start: index }
    }
    if (token === '{' || token === '[') depth += 1
    else if (token === '}' || token === ']') depth -= 1
    end = index + token.length
  }
  return spans
}
