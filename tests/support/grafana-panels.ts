import { Pool } from 'pg'
import { readDashboards, type DashboardFile, type PanelFile } from './grafana-files.ts'
import { defaultRange, type QueryContext } from './grafana-macros.ts'
import type { World } from './world.ts'

export const MINUTE = 60_000

/** Connections with the rights of Grafana's login. */
export function readerOf({ env }: World): Pool {
  const pool = new Pool({ connectionString: env['DATABASE_URL'], max: 2, options: '-c role=pulse_reader' })
  pool.on('error', () => undefined)
  return pool
}

export const dashboardOf = (uid: string): DashboardFile => readDashboards().find((one) => one.uid === uid)!

/** Those that query, each with a name for a test. */
export const queryingPanels = (dashboard: DashboardFile): [string, PanelFile][] =>
  dashboard.panels
    .filter(({ targets }) => targets !== undefined)
    .map((panel) => [`${dashboard.title} / ${panel.title}`, panel])

export const sqlOf = (panel: PanelFile): string => panel.targets![0]!.rawSql

/** A dashboard as it opens, with these values chosen, and what a test changes of it. */
export const opened =
  (dashboard: DashboardFile, variables: NonNullable<QueryContext['variables']>) =>
  (changes: Partial<QueryContext> = {}): QueryContext => ({
    ...defaultRange(dashboard.time, new Date()),
    intervalMs: MINUTE,
    variables,
    ...changes,
  })
