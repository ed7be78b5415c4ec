import type { Pool } from 'pg'

interface Node {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows'?: number
  'Rows Removed by Filter'?: number
  Plans?: Node[]
}

export interface Plan {
  /** Tables that are read; a month of the facts as their table. */
  readonly relations: Set<string>
  /** Those that are read from end to end, where that is many rows: a new month is soon read. */
  readonly scanned: Set<string>
  /** Milliseconds, with planning. Where that is too long, of the fastest of five: the machine may be busy. */
  readonly ms: number
}

/** What a panel's query may take, in milliseconds. */
export const LIMIT_MS = 100
const MANY_ROWS = 1_000

export async function planOf(reader: Pool, sql: string): Promise<Plan> {
  const relations = new Set<string>()
  const scanned = new Set<string>()
  const visit = (node: Node) => {
    const name = node['Relation Name']?.replace(/_\d{4}_\d{2}$/, '')
    if (name !== undefined) relations.add(name)
    const rows = (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)
    if (name !== undefined && node['Node Type'] === 'Seq Scan' && rows > MANY_ROWS) scanned.add(name)
    node.Plans?.forEach(visit)
  }
  let ms = Infinity
  for (let round = 0; round < 5 && ms >= LIMIT_MS; round++) {
    const { rows } = await reader.query<{ 'QUERY PLAN': [Explained] }>(
      `explain (analyze, timing off, format json) ${sql}`,
    )
    const [explained] = rows[0]!['QUERY PLAN']
    visit(explained.Plan)
    ms = Math.min(ms, explained['Planning Time'] + explained['Execution Time'])
  }
  return { relations, scanned, ms }
}

interface Explained {
  Plan: Node
  'Planning Time': number
  'Execution Time': number
}
