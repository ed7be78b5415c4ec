import type { AlertFile, AlertGroupFile, DashboardFile } from './grafana-files.ts'
import { parseInterval } from './grafana-macros.ts'
import { failures, repeated } from './grafana-rules.ts'

/** What an alert may point to. */
export interface AlertSurroundings {
  readonly dashboards: readonly DashboardFile[]
  readonly datasourceUids: readonly string[]
  /** The text of a page of the repository, or undefined. */
  readonly page: (path: string) => string | undefined
}

/** The rules that alerts keep: what is wrong, a line each; empty where all is right. */
export function alertProblems(groups: readonly AlertGroupFile[], around: AlertSurroundings): string[] {
  const rules = groups.flatMap((group) => group.rules)
  return [
    ...repeated(rules.map(({ uid }) => uid)).map((uid) => `uid ${uid} occurs twice`),
    ...groups.flatMap((group) =>
      group.rules.flatMap((rule) =>
        [...texts(rule), ...timing(rule, group), ...query(rule, around), ...targets(rule, around)].map(
          (problem) => `${rule.title}: ${problem}`,
        ),
      ),
    ),
  ]
}

function texts({ uid, title, labels, annotations }: AlertFile): string[] {
  const { summary = '', description = '' } = annotations
  return failures({
    'uid is not 1 to 40 of a-z, 0-9 and -': /^[a-z0-9-]{1,40}$/.test(uid),
    'the title is not in CamelCase after "Pulse"': /^Pulse([A-Z][a-z]+)+$/.test(title),
    'no summary': summary !== '',
    'the summary changes from one alert to the next': !summary.includes('{{'),
    'no description': description !== '',
    'no known severity': ['critical', 'warning', 'info'].includes(labels['severity'] ?? ''),
    'no owner': (labels['owner'] ?? '') !== '',
    'no scope': (labels['scope'] ?? '') !== '',
    'no service': (labels['service'] ?? '') !== '',
    'Grafana would expand $ in a label': !Object.values(labels).some((label) => label.includes('$')),
  })
}

function timing(rule: AlertFile, { interval }: AlertGroupFile): string[] {
  const [condition] = rule.data.find(({ refId }) => refId === rule.condition)?.model.conditions ?? []
  const recovery = condition?.unloadEvaluator?.params[0]
  return failures({
    'no-data state is left to chance': ['OK', 'Alerting', 'NoData', 'KeepLast'].includes(rule.noDataState),
    'error state is left to chance': ['OK', 'Alerting', 'Error', 'KeepLast'].includes(rule.execErrState),
    'the pending period is no multiple of the interval':
      parseInterval(rule.for) % parseInterval(interval) === 0,
    'neither keeps firing nor has a recovery threshold':
      parseInterval(rule.keepFiringFor) > 0 || recovery !== undefined,
    'the condition is no threshold': condition?.evaluator.type === 'gt',
    'recovers above the threshold': recovery === undefined || recovery < condition!.evaluator.params[0]!,
  })
}

function query(rule: AlertFile, { datasourceUids }: AlertSurroundings): string[] {
  const condition = rule.data.find(({ refId }) => refId === rule.condition)
  const queries = rule.data.filter(({ datasourceUid }) => datasourceUid !== '__expr__')
  return failures({
    'the condition looks at nothing': queries.some(({ refId }) => refId === condition?.model.expression),
    'a data source that is not provisioned': queries.every((q) => datasourceUids.includes(q.datasourceUid)),
    'the query is no table': queries.every(({ model }) => model.format === 'table'),
    'the query has a variable or an escaped macro': queries.every(
      ({ model }) => !/\$\{|\$\$/.test(model.rawSql ?? ''),
    ),
  })
}

function targets(rule: AlertFile, { dashboards, page }: AlertSurroundings): string[] {
  const panels = dashboards.find(({ uid }) => uid === rule.dashboardUid)?.panels ?? []
  const [path = '', anchor = ''] = (rule.annotations['runbook_url'] ?? '').split('#')
  return failures({
    'its panel is not there': panels.some(({ id }) => id === rule.panelId),
    'its runbook is not there': anchors(page(path) ?? '').has(anchor),
  })
}

/** What a Markdown page's headings can be linked by, as GitHub makes it. */
export function anchors(markdown: string): Set<string> {
  const headings = markdown.matchAll(/^#{1,6} (.+)$/gm)
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
