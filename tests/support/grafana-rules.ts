import { parseInterval } from './grafana-macros.ts'
import type { DashboardFile, DatasourceRef, PanelFile } from './grafana-files.ts'

/** The rules that dashboards keep: what is wrong, a line each; empty where all is right. */
export function dashboardProblems(dashboards: readonly DashboardFile[]): string[] {
  const uids = dashboards.map(({ uid }) => uid)
  return [
    ...repeated(uids).map((uid) => `uid ${uid} occurs twice`),
    ...dashboards.flatMap((dashboard) =>
      [
        ...settings(dashboard),
        ...links(dashboard, uids),
        ...variables(dashboard),
        ...repeated(dashboard.panels.map(({ id }) => id)).map((id) => `panel id ${id} occurs twice`),
        ...repeated(dashboard.panels.map(({ title }) => title)).map((title) => `title ${title} occurs twice`),
        ...grid(dashboard.panels),
        ...dashboard.panels.flatMap((panel) =>
          panelProblems(panel, dashboard).map(
            (problem) => `${panel.title || `panel ${panel.id}`}: ${problem}`,
          ),
        ),
      ].map((problem) => `${dashboard.title}: ${problem}`),
    ),
  ]
}

const MIN_REFRESH_SECONDS = 30

function settings(dashboard: DashboardFile): string[] {
  const { uid, title, description, schemaVersion, editable, timezone, refresh, timepicker } = dashboard
  return failures({
    'uid is not 1 to 40 of a-z, 0-9 and -': /^[a-z0-9-]{1,40}$/.test(uid),
    'no title': title !== '',
    'the description asks no question': description.includes('?'),
    'schemaVersion is not 42': schemaVersion === 42,
    'it is editable': !editable,
    'timezone is not utc': timezone === 'utc',
    'refreshes faster than the job ticks': [refresh, ...timepicker.refresh_intervals].every(
      (interval) => parseInterval(interval) >= MIN_REFRESH_SECONDS,
    ),
    'does not refresh every 30 seconds': refresh === '30s',
  })
}

function links(dashboard: DashboardFile, uids: readonly string[]): string[] {
  const targets = dashboard.links.map(({ url }) => url)
  const toDashboards = targets.filter((url) => url.startsWith('/d/')).map((url) => url.slice(3))
  return [
    ...uids
      .filter((uid) => uid !== dashboard.uid && !toDashboards.includes(uid))
      .map((uid) => `no link to ${uid}`),
    ...toDashboards.filter((uid) => !uids.includes(uid)).map((uid) => `a link to ${uid}, which is not there`),
    ...failures({ 'no link to the console': targets.some((url) => /^https?:\/\//.test(url)) }),
  ]
}

function variables({ templating }: DashboardFile): string[] {
  const [first] = templating.list
  return [
    ...failures({
      'the first variable is not the data source, labelled "Data source"':
        first?.type === 'datasource' && first.name === 'datasource' && first.label === 'Data source',
    }),
    ...templating.list
      .filter(({ type }) => type === 'query')
      .flatMap((variable) =>
        failures({
          [`variable ${variable.name} does not follow the time range`]:
            variable.refresh === 2 && variable.query.includes('$__timeFilter('),
          [`variable ${variable.name} has a data source of its own`]: isChosen(variable.datasource),
          [`variable ${variable.name} has no label`]: variable.label !== '',
        }),
      ),
  ]
}

function grid(panels: readonly PanelFile[]): string[] {
  const outside = panels
    .filter(({ gridPos: { x, y, w, h } }) => x < 0 || y < 0 || w < 1 || h < 1 || x + w > 24)
    .map(({ title }) => `${title}: outside the 24 columns`)
  const overlaps = panels.flatMap((a, index) =>
    panels
      .slice(index + 1)
      .filter((b) => overlap(a.gridPos, b.gridPos))
      .map((b) => `${a.title} and ${b.title} overlap`),
  )
  return [...outside, ...overlaps]
}

function overlap(a: PanelFile['gridPos'], b: PanelFile['gridPos']): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

/** Grafana's ids of the units in use: https://github.com/grafana/grafana, valueFormats/categories.ts */
const UNITS = new Set(['none', 'locale', 'percentunit', 's', 'ms', 'bytes', 'cps'])
const QUERYING = new Set(['stat', 'timeseries', 'piechart', 'table'])

function panelProblems(panel: PanelFile, { templating }: DashboardFile): string[] {
  if (panel.type === 'row') return failures({ 'no title': panel.title !== '' })
  const said = failures({ 'no title': panel.title !== '', 'no description': panel.description !== '' })
  if (panel.type === 'text') return said
  if (!QUERYING.has(panel.type)) return [`the type ${panel.type} has no rules yet`]

  const { defaults, overrides } = panel.fieldConfig ?? { defaults: {}, overrides: [] }
  const units = overrides.flatMap(({ properties }) => properties).filter(({ id }) => id === 'unit')
  const names = templating.list.filter(({ type }) => type === 'query').map(({ name }) => name)
  return [
    ...said,
    ...failures({
      'the description is not a question and what to do': /\?\s+\S/.test(panel.description),
      'no known unit': [defaults.unit, ...units.map(({ value }) => value)].every(
        (unit) => typeof unit === 'string' && UNITS.has(unit),
      ),
      'no text where there is no value': (defaults.noValue ?? '') !== '',
      'no thresholds': defaults.thresholds?.steps[0]?.value === null,
      'thresholds do not ascend': ascend(defaults.thresholds?.steps.map(({ value }) => value ?? -Infinity)),
      'has a data source of its own': isChosen(panel.datasource),
      'repeats a variable that is not there or holds one value': repeats(panel, templating.list),
      'no query': (panel.targets ?? []).length > 0,
    }),
    ...(panel.targets ?? []).flatMap((target) => targetProblems(panel.type, target, names)),
  ]
}

function targetProblems(type: string, target: NonNullable<PanelFile['targets']>[number], names: string[]) {
  const { rawSql, format, datasource } = target
  return failures({
    'its query has a data source of its own': isChosen(datasource),
    'its query has the wrong format': format === (type === 'timeseries' ? 'time_series' : 'table'),
    'its query does not follow the time range': /\$__time(Filter|To)\(/.test(rawSql),
    'its table has no limit': type !== 'table' || /\blimit \d{1,3}\b/.test(rawSql),
    ...Object.fromEntries(
      names.map((name) => [`its query does not follow ${name}`, rawSql.includes(`\${${name}:sqlstring}`)]),
    ),
  })
}

function repeats({ repeat }: PanelFile, list: DashboardFile['templating']['list']): boolean {
  return repeat === undefined || list.some(({ name, multi }) => name === repeat && multi)
}

function isChosen(datasource: DatasourceRef | undefined): boolean {
  return datasource?.type === 'grafana-postgresql-datasource' && datasource.uid === '${datasource}'
}

function ascend(values: readonly number[] = []): boolean {
  return values.every((value, index) => index === 0 || value > values[index - 1]!)
}

/** The names of what does not hold. */
export function failures(checks: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(checks)
    .filter(([, holds]) => !holds)
    .map(([problem]) => problem)
}

export function repeated<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.indexOf(value) !== index)
}
