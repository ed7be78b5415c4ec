import { expect, test } from 'vitest'
import { alerts } from '../../streams/dashboards.ts'
import { alertProblems, type AlertSurroundings } from '../support/grafana-alert-rules.ts'
import { readAlertGroups, readDashboards, readText, type AlertFile } from '../support/grafana-files.ts'

const condition = (rule: AlertFile) => rule.data.at(-1)!.model.conditions![0]!

/** Those that streams bring stand behind the engine's, and are their own tests' matter. */
const ours = () => readAlertGroups().flatMap(({ rules }) => rules.slice(0, rules.length - alerts.length))

const surroundings = (): AlertSurroundings => ({
  dashboards: readDashboards(),
  datasourceUids: ['warehouse'],
  page: (path) => (path.endsWith('docs/OPERATIONS.md') ? readText('docs/OPERATIONS.md') : undefined),
})

test('the alerts keep the rules', () => {
  expect(alertProblems(readAlertGroups(), surroundings())).toEqual([])
})

test('there is an alert for all that operators need to know', () => {
  expect(ours().map(({ title }) => title)).toEqual([
    'PulseNoSuccessfulRun',
    'PulseDataStale',
    'PulsePartitionStopped',
    'PulseDataLoss',
    'PulseDeadLettersHigh',
  ])
})

test('alerts fire where their panels turn red', () => {
  const panels = new Map(
    readDashboards().flatMap(({ uid, panels: of }) => of.map((panel) => [`${uid}/${panel.id}`, panel])),
  )
  const compared = ours().map((rule) => {
    const panel = panels.get(`${rule.dashboardUid}/${rule.panelId}`)
    const last = panel?.fieldConfig?.defaults.thresholds?.steps.at(-1)
    return [rule.title, condition(rule).evaluator.params[0], last?.color, last?.value]
  })
  expect(compared).toEqual([
    ['PulseNoSuccessfulRun', 180, 'red', 180],
    ['PulseDataStale', 60, 'red', 60],
    // Counts: above 0 is from 1 on.
    ['PulsePartitionStopped', 0, 'red', 1],
    ['PulseDataLoss', 0, 'red', 1],
    ['PulseDeadLettersHigh', 0.05, 'red', 0.05],
  ])
})

const faults: [fault: string, plant: (deadLetters: AlertFile) => void, problem: string][] = [
  ['a uid twice', (a) => (a.uid = 'pulse-data-loss'), 'uid pulse-data-loss occurs twice'],
  ['a title without prefix', (a) => (a.title = 'DeadLettersHigh'), 'CamelCase'],
  ['no summary', (a) => delete a.annotations['summary'], 'no summary'],
  ['a moving summary', (a) => (a.annotations['summary'] += '{{ $values.A }}'), 'the summary changes'],
  ['no description', (a) => delete a.annotations['description'], 'no description'],
  ['a made-up severity', (a) => (a.labels['severity'] = 'bad'), 'no known severity'],
  ['no owner', (a) => delete a.labels['owner'], 'no owner'],
  ['no-data by default', (a) => (a.noDataState = ''), 'no-data state'],
  ['errors by default', (a) => (a.execErrState = ''), 'error state'],
  ['an odd pending period', (a) => (a.for = '45s'), 'no multiple of the interval'],
  ['recovery above', (a) => (condition(a).unloadEvaluator = { type: 'lt', params: [1] }), 'recovers above'],
  ['no condition', (a) => (a.condition = 'A'), 'no threshold'],
  ['an unknown data source', (a) => (a.data[0]!.datasourceUid = 'other'), 'not provisioned'],
  ['a variable', (a) => (a.data[0]!.model.rawSql += '${currency}'), 'has a variable'],
  ['an escaped macro', (a) => (a.data[0]!.model.rawSql = 'select $$__timeFilter(x)'), 'escaped macro'],
  ['a dead panel', (a) => (a.panelId = 99), 'its panel is not there'],
  ['a dead runbook', (a) => (a.annotations['runbook_url'] += '-gone'), 'its runbook is not there'],
]
test.each(faults)('%s would be found', (_, plant, problem) => {
  const groups = readAlertGroups()
  plant(groups[0]!.rules.find(({ title }) => title === 'PulseDeadLettersHigh')!)
  expect(alertProblems(groups, surroundings()).join('\n')).toContain(problem)
})
