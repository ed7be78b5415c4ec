import { expect, test } from 'vitest'
import {
  readAlertGroups,
  readDashboards,
  type DashboardFile,
  type PanelFile,
} from '../../../../tests/support/grafana-files.ts'
import { dashboardProblems } from '../../../../tests/support/grafana-rules.ts'

/** What keeps dashboards right is held against faults in this one, which has panels of every kind. */
const panel = (of: DashboardFile, type: string) => of.panels.find((candidate) => candidate.type === type)!
const target = (of: PanelFile) => of.targets![0]!
const faults: [fault: string, plant: (sales: DashboardFile) => void, problem: string][] = [
  ['a uid twice', (d) => (d.uid = 'pulse-pipeline'), 'uid pulse-pipeline occurs twice'],
  ['a panel id twice', (d) => (d.panels[1]!.id = d.panels[0]!.id), 'panel id 1 occurs twice'],
  [
    'a title twice',
    (d) => (d.panels[1]!.title = d.panels[0]!.title),
    'title About this dashboard occurs twice',
  ],
  ['an overlap', (d) => (d.panels[2]!.gridPos.x -= 1), 'overlap'],
  ['a panel outside', (d) => (panel(d, 'table').gridPos.w = 25), 'outside the 24 columns'],
  ['an old schema', (d) => (d.schemaVersion = 16), 'schemaVersion'],
  ['editing', (d) => (d.editable = true), 'editable'],
  ['browser time', (d) => (d.timezone = 'browser'), 'timezone'],
  ['a fast refresh', (d) => d.timepicker.refresh_intervals.push('5s'), 'faster than the job'],
  ['no refresh', (d) => (d.refresh = '1h'), 'every 30 seconds'],
  ['no question', (d) => (d.description = 'Sales.'), 'asks no question'],
  ['no link to the other', (d) => d.links.shift(), 'no link to pulse-pipeline'],
  ['a dead link', (d) => (d.links[0]!.url = '/d/gone'), 'a link to gone, which is not there'],
  ['no link to the console', (d) => d.links.pop(), 'no link to the console'],
  ['a nameless data source', (d) => (d.templating.list[0]!.label = ''), 'labelled "Data source"'],
  ['a stale variable', (d) => (d.templating.list[1]!.refresh = 1), 'currency does not follow the time range'],
  ['no title', (d) => (panel(d, 'stat').title = ''), 'no title'],
  ['no action', (d) => (panel(d, 'stat').description = 'How many?'), 'what to do'],
  ['a fixed data source', (d) => (panel(d, 'stat').datasource!.uid = 'warehouse'), 'of its own'],
  ['one in a query', (d) => (target(panel(d, 'table')).datasource.uid = 'x'), 'its query has a data source'],
  ['no unit', (d) => delete panel(d, 'piechart').fieldConfig!.defaults.unit, 'no known unit'],
  ['a made-up unit', (d) => (panel(d, 'table').fieldConfig!.defaults.unit = 'coins'), 'no known unit'],
  ['no thresholds', (d) => delete panel(d, 'stat').fieldConfig!.defaults.thresholds, 'no thresholds'],
  [
    'an empty panel says nothing',
    (d) => delete panel(d, 'stat').fieldConfig!.defaults.noValue,
    'no text where',
  ],
  ['no query', (d) => (panel(d, 'stat').targets = []), 'no query'],
  ['a wrong format', (d) => (target(panel(d, 'timeseries')).format = 'table'), 'wrong format'],
  ['no limit', (d) => cut(target(panel(d, 'table')), /limit \d+/), 'no limit'],
  ['no time range', (d) => cut(target(panel(d, 'timeseries')), /\$__timeFilter\(minute\) and/), 'time range'],
  [
    'no currency',
    (d) => cut(target(panel(d, 'timeseries')), /and currency = .*/),
    'does not follow currency',
  ],
  ['repeated for nothing', (d) => (panel(d, 'piechart').repeat = 'category'), 'repeats a variable'],
]
test.each(faults)('%s would be found', (_, plant, problem) => {
  const dashboards = readDashboards()
  plant(dashboards.find(({ uid }) => uid === 'pulse-sales')!)
  expect(dashboardProblems(dashboards).join('\n')).toContain(problem)
})

function cut(query: { rawSql: string }, part: RegExp): void {
  expect(query.rawSql).toMatch(part)
  query.rawSql = query.rawSql.replace(part, '')
}

test('the alert about fraud fires where its panel turns red', () => {
  const rules = readAlertGroups().flatMap((group) => group.rules)
  const alert = rules.find(({ title }) => title === 'PulseFraudRateHigh')!
  const dashboard = readDashboards().find(({ uid }) => uid === alert.dashboardUid)!
  const { thresholds } = dashboard.panels.find(({ id }) => id === alert.panelId)!.fieldConfig!.defaults
  expect(thresholds!.steps.at(-1)).toMatchObject({ color: 'red', value: 0.1 })
  const last = alert.data.at(-1)!.model.conditions![0]!
  expect([last.evaluator.params[0], last.unloadEvaluator?.params[0]]).toEqual([0.1, 0.08])
})
