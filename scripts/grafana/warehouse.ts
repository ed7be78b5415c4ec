/** What goes into a file that Grafana reads. */
export type Json = { readonly [key: string]: JsonValue }
export type JsonValue = string | number | boolean | null | Json | readonly JsonValue[]

/** SQL as written in a template literal, without the indentation that the source code gives it. */
export function unindented(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const indent = Math.min(...lines.map((line) => line.search(/\S/)))
  return lines.map((line) => line.slice(indent).trimEnd()).join('\n')
}

/** Grafana's id of the Postgres plugin. */
export const DATASOURCE_TYPE = 'grafana-postgresql-datasource'
/** As provisioned; alert rules name it directly, they know no variables. */
export const DATASOURCE_UID = 'warehouse'
/** For panels and variables: the one that is chosen on the dashboard. */
export const DATASOURCE: Json = { type: DATASOURCE_TYPE, uid: '${datasource}' }

/** The folder of dashboards and alert rules. */
export const FOLDER = 'Global Sales Pulse'
