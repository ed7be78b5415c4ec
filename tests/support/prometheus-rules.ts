import { anchors } from './grafana-alert-rules.ts'

/** Our metrics with their labels, and a page of the repository, to hold alert rules against. */
export interface RuleSurroundings {
  readonly metrics: ReadonlyMap<string, { readonly type: string; readonly labels: readonly string[] }>
  readonly page: (path: string) => string | undefined
}

/** As we write it; what Prometheus knows besides, and what it doesn't, is a problem. */
export interface RuleFile {
  readonly groups: readonly { readonly interval?: unknown; readonly rules: readonly Rule[] }[]
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: unknown
  readonly keep_firing_for?: unknown
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Labels that Prometheus adds to whatever it scrapes. */
const SCRAPE_LABELS = ['job', 'instance']
const DURATION = /^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] }

/** What Prometheus, or who is woken by it, could not use: a line each; empty where all is right. */
export function ruleProblems(file: RuleFile, around: RuleSurroundings): string[] {
  const rules = file.groups.flatMap((group) => group.rules)
  const names = rules.map(({ alert }) => alert)
  return [
    ...unknownKeys('the file', file, ['groups']),
    ...file.groups.flatMap((group) => [
      ...unknownKeys('a group', group, ['name', 'interval', 'rules']),
      ...duration('a group', 'interval', group.interval),
    ]),
    ...names.filter((name, i) => names.indexOf(name) !== i).map((name) => `${name} occurs twice`),
    ...rules.flatMap((rule) => oneRule(rule, around)),
  ]
}

function oneRule(rule: Rule, { metrics, page }: RuleSurroundings): string[] {
  const { alert: name, expr, labels, annotations } = rule
  const [path = '', anchor = ''] = (annotations['runbook_url'] ?? '').split('#')
  const grouped = [...expr.matchAll(/\b(?:by|on|without|ignoring) \(([^)]*)\)/g)].flatMap(([, list]) =>
    list!.split(', '),
  )
  const selected = [...expr.matchAll(/(\w+)\s*[=!]~?\s*"/g)].map(([, label]) => label!)
  const used = [...expr.matchAll(/\b(pulse_\w+)/g)].map(([, metric]) => metric!)
  const known = new Map(
    [...metrics].flatMap(([metric, { type, labels: own }]) =>
      (SUFFIXES[type] ?? ['']).map((suffix) => [
        metric + suffix,
        [...own, ...(suffix === '_bucket' ? ['le'] : [])],
      ]),
    ),
  )
  const there = new Set([...SCRAPE_LABELS, ...used.flatMap((metric) => known.get(metric) ?? [])])
  const told = [
    ...Object.values(annotations)
      .join(' ')
      .matchAll(/\$labels\.(\w+)/g),
  ].map(([, label]) => label!)
  return [
    ...unknownKeys(name, rule, ['alert', 'expr', 'for', 'keep_firing_for', 'labels', 'annotations']),
    ...unknownKeys(name, labels, ['severity', 'service', 'owner']),
    ...unknownKeys(name, annotations, ['summary', 'description', 'runbook_url']),
    ...duration(name, 'for', rule.for),
    ...duration(name, 'keep_firing_for', rule.keep_firing_for),
    ...(/^Pulse([A-Z][a-z]+)+$/.test(name) ? [] : [`${name}: not in CamelCase after "Pulse"`]),
    ...(['critical', 'warning'].includes(labels['severity'] ?? '') ? [] : [`${name}: no known severity`]),
    ...(annotations['summary'] === undefined || annotations['summary'].includes('{{')
      ? [`${name}: no summary, or one that changes`]
      : []),
    ...(annotations['description'] === undefined ? [`${name}: no description`] : []),
    ...(anchors(page(path) ?? '').has(anchor) ? [] : [`${name}: its runbook is not there`]),
    ...(used.length === 0 ? [`${name}: looks at no metric of ours`] : []),
    ...used.filter((metric) => !known.has(metric)).map((metric) => `${name}: there is no ${metric}`),
    ...[...grouped, ...selected]
      .filter((label) => !there.has(label))
      .map((label) => `${name}: its metrics have no label ${label}`),
    ...told
      .filter((label) => !grouped.includes(label))
      .map((label) => `${name}: tells ${label}, which it lost`),
  ]
}

function unknownKeys(where: string, mapping: object, known: readonly string[]): string[] {
  return Object.keys(mapping)
    .filter((key) => !known.includes(key))
    .map((key) => `${where}: ${key} is unknown`)
}

function duration(where: string, key: string, value: unknown): string[] {
  if (value === undefined || (typeof value === 'string' && value !== '' && DURATION.test(value))) return []
  return [`${where}: ${key} is no duration`]
}
