/** What goes into a file that Grafana reads. */
export type Json = { readonly [key: string]: JsonValue }
export type JsonValue = string | number | boolean | null | Json | readonly JsonValue[]

/** SQL as written in a template literal, without the indentation that the source code gives it. */
export function sql(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const indent = Math.min(...lines.map((line) => line.search(/\S/)))
  return lines.map((line) => line.slice(indent).trimEnd()).join('\n')
}
