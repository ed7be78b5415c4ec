import { readAlertGroups, type AlertFile } from './grafana-files.ts'
import { expandQuery } from './grafana-macros.ts'
import { runQuery, type Result } from './grafana-results.ts'
import type { World } from './world.ts'

/** Every alert of Grafana's, by title. */
export const alertRules = (): ReadonlyMap<string, AlertFile> =>
  new Map(readAlertGroups().flatMap((group) => group.rules.map((rule) => [rule.title, rule])))

/** The alert's answer to a warehouse where this has happened; it is undone afterwards. */
export async function askAlert(world: World, rule: AlertFile, happened: readonly string[]): Promise<Result> {
  const client = await world.pool.connect()
  try {
    await client.query('begin')
    for (const statement of happened) await client.query(statement)
    await client.query('set local role pulse_reader')
    const { model, relativeTimeRange } = rule.data[0]!
    const to = new Date()
    const from = new Date(to.getTime() - relativeTimeRange.from * 1_000)
    // Inside the transaction now() stands still a moment before `to`, as for rows written by other sessions.
    return await runQuery(client, expandQuery(model.rawSql!, { from, to, intervalMs: 30_000 }))
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** What Grafana makes of an answer. */
export function stateOf(rule: AlertFile, { columns, rows }: Result): 'fires' | 'quiet' | 'no data' {
  const value = columns.find(({ kind }) => kind === 'number')!.name
  const limit = rule.data.at(-1)!.model.conditions![0]!.evaluator.params[0]!
  if (rows.length === 0) return 'no data'
  return rows.some((row) => Number(row[value]) > limit) ? 'fires' : 'quiet'
}
