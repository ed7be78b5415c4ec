/**
 * What Grafana makes of a query before Postgres sees it, after its source (13.x): first the browser puts in
 * the dashboard's variables, then the server expands the Postgres plugin's macros. Anything that Grafana
 * would refuse or leave standing is an error here.
 */
export interface QueryContext {
  readonly from: Date
  readonly to: Date
  /** Milliseconds of a point on the chart, at least a minute. */
  readonly intervalMs: number
  /** Values of the dashboard's variables; an alert rule has none. */
  readonly variables?: Readonly<Record<string, readonly string[]>>
}

export function expandQuery(sql: string, context: QueryContext): string {
  const interval = formatInterval(context.intervalMs)
  const withVariables = expandVariables(sql, context.variables ?? {})
    .replaceAll('$__interval_ms', String(context.intervalMs))
    .replaceAll('$__interval', interval)
  const expanded = withVariables.replaceAll(
    /\$([_a-zA-Z0-9]+)\(([^)]*)\)/g,
    (_, name: string, args: string) =>
      macro(
        name,
        args.split(',').map((arg) => arg.trim()),
        context,
      ),
  )
  const left = /\$\w+|\$\{[^}]*\}|\[\[\w+/.exec(expanded)
  if (left !== null) throw new Error(`${left[0]} is neither a macro nor a variable, in: ${sql}`)
  return expanded
}

/** `${name:sqlstring}` only: the other formats don't quote for SQL. */
function expandVariables(sql: string, variables: Readonly<Record<string, readonly string[]>>): string {
  return sql.replaceAll(/\$\{(\w+)(?::(\w+))?\}/g, (_, name: string, format: string | undefined) => {
    const values = variables[name]
    if (values === undefined) throw new Error(`There is no variable ${name}`)
    if (format !== 'sqlstring')
      throw new Error(`\${${name}} is not quoted for SQL: write \${${name}:sqlstring}`)
    return values.map((value) => `'${value.replaceAll("'", "''").replaceAll('"', '\\"')}'`).join(',')
  })
}

function macro(name: string, args: readonly string[], { from, to }: QueryContext): string {
  const [column = '', interval = ''] = args
  switch (name) {
    case '__timeFilter':
      return `${column} BETWEEN '${from.toISOString()}' AND '${to.toISOString()}'`
    case '__timeFrom':
      return `'${from.toISOString()}'`
    case '__timeTo':
      return `'${to.toISOString()}'`
    case '__timeGroup': {
      const seconds = parseInterval(interval.replaceAll("'", ''))
      return `floor(extract(epoch from ${column})/${seconds})*${seconds}`
    }
    case '__timeGroupAlias':
      return `${macro('__timeGroup', args, { from, to, intervalMs: 0 })} AS "time"`
    default:
      throw new Error(`unknown macro "${name}"`)
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** Seconds of `30s`, `1m`, `6h`, `7d`. */
export function parseInterval(text: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
  if (count === undefined) throw new Error(`"${text}" is no interval`)
  return Number(count) * UNITS[unit!]!
}

function formatInterval(ms: number): string {
  const seconds = ms / 1_000
  const [unit, length] = Object.entries(UNITS).findLast(([, size]) => seconds % size === 0)!
  return `${seconds / length}${unit}`
}

/** A dashboard's default range, such as `now-24h` to `now`. */
export function defaultRange(time: { from: string }, now: Date): { from: Date; to: Date } {
  const seconds = parseInterval(time.from.replace(/^now-/, ''))
  return { from: new Date(now.getTime() - seconds * 1_000), to: now }
}

/** What Grafana makes of a text in a provisioning file; a variable in braces is expanded twice there. */
export function expandEnvironment(text: string, env: Readonly<Record<string, string>>): string {
  const braced = (part: string) => part.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? '')
  const plain = (part: string) =>
    part.replaceAll(/\$\{(\w+)\}|\$(\w+)/g, (_, a: string | undefined, b: string) => env[a ?? b] ?? '')
  return text
    .split('$$')
    .map((part) => plain(braced(part)))
    .join('$')
}
