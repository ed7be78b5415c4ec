import { decodeJson } from '../../stream/json.ts'
import type { Issue } from '../../stream/types.ts'
import { count, thousands } from '../../text/wording.ts'
import { hexDump } from '../../text/hex.ts'
import { html, nothing, visible, visibleBytes, type Html } from '../html.ts'

/** What of a key or a value a page has at most. */
export const SHOWN_TEXT_BYTES = 64 * 1024
const SHOWN_HEX_BYTES = 4 * 1024

interface Payload {
  readonly name: string
  /** All of them, or the first. */
  readonly bytes: Buffer | null
  readonly size: number | null
  /** Where all of it can be had. */
  readonly download: string
  /** What is wrong with it, to be marked in the text. */
  readonly issues?: readonly Issue[]
}

/** Bytes from outside for people: as text, never interpreted, and as a hex dump. */
export function payload({ name, bytes, size, download, issues = [] }: Payload): Html {
  if (bytes === null || size === null)
    return html`<h3>${name}</h3>
      <p class="hint">null</p>`
  if (bytes.length === 0)
    return html`<h3>${name}</h3>
      <p class="hint">empty, 0 bytes</p>`
  const text = firstCharacters(bytes, SHOWN_TEXT_BYTES)
  const hex = bytes.subarray(0, SHOWN_HEX_BYTES)
  return html`<h3>${name}</h3>
    <p class="hint">${count(size, 'byte')}. <a href="${download}" download>Download it as it is</a></p>
    ${block(`${name} as text`, marked(text, text.length === size ? issues : []))} ${rest(size, text)}
    <details>
      <summary>Hex</summary>
      ${block(`${name} in hex`, hexDump(hex))} ${rest(size, hex)}
    </details>`
}

/** The parser drops a line feed that follows the tag, so one is given to it. */
function block(label: string, content: Html | string): Html {
  return html`<pre class="payload" tabindex="0" role="region" aria-label="${label}">${'\n'}${content}</pre>`
}

function rest(size: number, shown: Buffer): Html {
  return shown.length === size
    ? nothing
    : html`<p class="hint">The first ${thousands(shown.length)} of ${count(size, 'byte')}.</p>`
}

/** The first bytes, without a piece of a character at their end. */
function firstCharacters(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes
  let end = limit
  while (end > limit - 4 && (bytes[end]! & 0b1100_0000) === 0b1000_0000) end -= 1
  return bytes.subarray(0, end)
}

/** The text, with the fields that an issue is about marked where it is a JSON object. */
function marked(bytes: Buffer, issues: readonly Issue[]): Html {
  const decoded = issues.some(({ field }) => field !== '') ? decodeJson(bytes) : { object: undefined }
  if (!('object' in decoded) || decoded.object === undefined) return visibleBytes(bytes)
  const text = bytes.toString()
  const spans = spansOfIssues(text, issues)
  const parts = spans.map(({ start, end, message }, i) => {
    const before = text.slice(spans[i - 1]?.end ?? 0, start)
    return html`${visible(before)}<mark title="${message}">${visible(text.slice(start, end))}</mark>`
  })
  return html`${parts}${visible(text.slice(spans.at(-1)?.end ?? 0))}`
}

function spansOfIssues(text: string, issues: readonly Issue[]): (Span & { message: string })[] {
  const members = memberSpans(text)
  const messages = Map.groupBy(issues, ({ field }) => field)
  return [...messages]
    .flatMap(([field, about]) => {
      const span = members.get(field)
      return span === undefined ? [] : [{ ...span, message: about.map(({ message }) => message).join('; ') }]
    })
    .sort((a, b) => a.start - b.start)
}

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
