import { DATASOURCE, DATASOURCE_TYPE, unindented, type Json } from './warehouse.ts'
import { CONSOLE_URL } from './settings.ts'
import type { Panel } from './panels.ts'

export interface DashboardSource {
  /** In the dashboard's address; never changed, or links break. */
  readonly uid: string
  readonly title: string
  /** The one question that it answers. */
  readonly description: string
  /** Such as `now-24h`. */
  readonly from: string
  /** After the data source. */
  readonly variables: readonly Json[]
  /** The other dashboards. */
  readonly neighbours: readonly { readonly uid: string; readonly title: string }[]
  /** Panels of a line stand side by side; the next line begins below the tallest. */
  readonly lines: readonly (readonly Panel[])[]
}

/** Grafana's classic model, which it reads from files. */
const SCHEMA_VERSION = 42
/** The job ticks every 30 seconds: nothing is newer than that. */
const REFRESH = '30s'

export function dashboard(source: DashboardSource): Json {
  return {
    uid: source.uid,
    title: source.title,
    description: source.description,
    tags: ['global-sales-pulse'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: 'utc',
    refresh: REFRESH,
    time: { from: source.from, to: 'now' },
    timepicker: { refresh_intervals: [REFRESH, '1m', '5m', '15m', '1h'] },
    annotations: { list: [] },
    links: [
      ...source.neighbours.map(({ uid, title }) => ({
        type: 'link',
        title,
        tooltip: `Open ${title} for the same time range`,
        url: `/d/${uid}`,
        icon: 'dashboard',
        keepTime: true,
        includeVars: false,
        targetBlank: false,
        asDropdown: false,
        tags: [],
      })),
      {
        type: 'link',
        title: 'Operator console',
        tooltip: 'Lag, runs, dead letters; pause, resume and redrive',
        url: CONSOLE_URL,
        icon: 'external link',
        keepTime: false,
        includeVars: false,
        targetBlank: true,
        asDropdown: false,
        tags: [],
      },
    ],
    templating: { list: [datasourceVariable(), ...source.variables] },
    panels: layOut(source.lines),
  }
}

function layOut(lines: readonly (readonly Panel[])[]): Json[] {
  let y = 0
  return lines.flatMap((line) => {
    let x = 0
    const top = y
    y += Math.max(...line.map(({ size }) => size[1]))
    return line.map(({ size: [w, h], ...panel }) => {
      const gridPos = { x, y: top, w, h }
      x += w
      return { ...panel, gridPos }
    })
  })
}

function datasourceVariable(): Json {
  return {
    type: 'datasource',
    name: 'datasource',
    label: 'Data source',
    description: 'The warehouse to read',
    query: DATASOURCE_TYPE,
    current: { text: 'Warehouse', value: 'warehouse' },
    includeAll: false,
    multi: false,
    refresh: 1,
    regex: '',
    hide: 0,
    options: [],
  }
}

/** A variable with the values that a query finds in the dashboard's time range; all of them at first. */
export function queryVariable(variable: {
  name: string
  label: string
  description: string
  sql: string
}): Json {
  const query = unindented(variable.sql)
  return {
    type: 'query',
    name: variable.name,
    label: variable.label,
    description: variable.description,
    datasource: DATASOURCE,
    query,
    definition: query,
    current: { text: ['All'], value: ['$__all'] },
    includeAll: true,
    multi: true,
    // On a change of the time range too.
    refresh: 2,
    regex: '',
    sort: 1,
    hide: 0,
    options: [],
  }
}
