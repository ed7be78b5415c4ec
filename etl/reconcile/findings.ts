import type { Finding, FindingGroup } from './report.ts'
import type { Snapshot } from './snapshot.ts'

/** Findings of a kind that are told one by one; of the others only the number. */
export const EXAMPLES = 20

/** Collects findings one by one, in bounded memory. */
export class Findings {
  readonly #groups = new Map<string, { kind: string; total: number; examples: Finding[] }>()

  add(kind: string, subject: string, message: string): void {
    let group = this.#groups.get(kind)
    if (group === undefined) this.#groups.set(kind, (group = { kind, total: 0, examples: [] }))
    group.total += 1
    if (group.examples.length < EXAMPLES) group.examples.push({ subject, message })
  }

  get groups(): FindingGroup[] {
    return [...this.#groups.values()]
  }
}

/** What each row of a statement of mismatches has beside its own columns. */
export interface OfAKind {
  readonly kind: string
  readonly total: number
}

/**
 * Of a statement whose rows are mismatches, with a `kind` and a `sort` to order them by: the first of each
 * kind, with the number of all. The rest never leaves the server.
 */
export const firstOfEachKind = (sql: string): string => `
  select * from (
    select m.*, row_number() over (partition by kind order by sort) as nth, count(*) over (partition by kind) as total
    from (${sql}) m
  ) numbered
  where nth <= ${EXAMPLES} order by kind, nth`

export function groupByKind<Row extends OfAKind>(
  rows: readonly Row[],
  describe: (row: Row) => Finding,
): FindingGroup[] {
  return [...Map.groupBy(rows, ({ kind }) => kind).values()].map((ofKind) => ({
    kind: ofKind[0]!.kind,
    total: ofKind[0]!.total,
    examples: ofKind.map(describe),
  }))
}

export async function findMismatches<Row extends object>(
  snapshot: Snapshot,
  sql: string,
  subject: (row: Row & OfAKind) => string,
  message: (row: Row & OfAKind) => string,
): Promise<FindingGroup[]> {
  const { rows } = await snapshot.query<Row & OfAKind>(firstOfEachKind(sql))
  return groupByKind(rows, (row) => ({ subject: subject(row), message: message(row) }))
}
