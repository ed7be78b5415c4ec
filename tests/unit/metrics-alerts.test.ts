import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import {
  DEAD_LETTER_MIN_RECORDS,
  DEAD_LETTER_SHARE,
  FRESHNESS_SECONDS,
  SUCCESS_SECONDS,
} from '../../scripts/grafana/settings.ts'
import { metricsOfALife } from '../support/metrics.ts'
import { readAlertGroups } from '../support/grafana-files.ts'
import { ourMetrics, readScrape } from '../support/prometheus-text.ts'
import { ruleProblems, type RuleFile } from '../support/prometheus-rules.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const rulesText = read('deploy/prometheus/alerts.yaml')
const ours = (parse(rulesText) as RuleFile).groups[0]!.rules
const around = {
  metrics: ourMetrics(readScrape(await (await metricsOfALife()).text())),
  page: (path: string) => (path === 'docs/OPERATIONS.md' ? read(path) : undefined),
}
const problems = (text: string) => ruleProblems(parse(text) as RuleFile, around)

test('the alert rules are what Prometheus accepts, over metrics and labels that there are', () => {
  expect(problems(rulesText)).toEqual([])
})

/** What people are told, whoever evaluates the rule. */
function told(title: string, { labels, annotations }: Pick<(typeof ours)[number], 'labels' | 'annotations'>) {
  const { summary, runbook_url } = annotations
  return { title, severity: labels['severity'], owner: labels['owner'], summary, runbook_url }
}

test('they tell the same as Grafana’s, but for fraud', () => {
  const grafanas = readAlertGroups()
    .flatMap(({ rules }) => rules)
    .filter(({ title }) => title !== 'PulseFraudRateHigh')
  expect(ours.map((rule) => told(rule.alert, rule))).toEqual(grafanas.map((rule) => told(rule.title, rule)))
})

test('they fire at the same values', () => {
  const compared = Object.fromEntries(
    ours.map(({ alert, expr }) => [alert, [...expr.matchAll(/>=? ([\d.]+)/g)].map(([, n]) => Number(n))]),
  )
  expect(compared).toEqual({
    PulseNoSuccessfulRun: [SUCCESS_SECONDS.alarm, 0],
    PulseDataStale: [0.5, FRESHNESS_SECONDS.alarm],
    PulsePartitionStopped: [0],
    PulseDataLoss: [0],
    PulseDeadLettersHigh: [DEAD_LETTER_MIN_RECORDS, DEAD_LETTER_SHARE.alarm],
  })
  expect(rulesText).toContain(`le=~"${FRESHNESS_SECONDS.alarm}|`)
})

test.for([
  ['an unknown key', 'keep_firing_for: 1m', 'keep_firing: 1m', 'keep_firing is unknown'],
  ['no duration', 'for: 3m', 'for: 3 minutes', 'for is no duration'],
  ['a metric that is not there', 'pulse_data_loss_offsets', 'pulse_data_lost', 'there is no pulse_data_lost'],
  [
    'a histogram without its suffix',
    'seconds_count[2m]',
    'seconds[2m]',
    'there is no pulse_freshness_seconds',
  ],
  [
    'a label that is not there',
    'by (job, stream, partition) (pulse_data',
    'by (job, topic) (pulse_data',
    'no label topic',
  ],
  ['a selector that is not there', 'le=~', 'bucket=~', 'no label bucket'],
  [
    'a label that was summed away',
    'of {{ $labels.stream }} ({{ $labels.job }}) are gone',
    'of {{ $labels.pod }}',
    'tells pod',
  ],
  ['no runbook', '#pulsedataloss', '#loss', 'its runbook is not there'],
  ['a moving summary', 'summary: Kafka', 'summary: "{{ $value }}" #', 'no summary, or one that changes'],
  ['a made-up severity', 'severity: warning', 'severity: bad', 'no known severity'],
  ['an alert twice', 'alert: PulseDataLoss', 'alert: PulseDataStale', 'PulseDataStale occurs twice'],
] as const)('%s is noticed', ([, right, wrong, problem]) => {
  expect(rulesText).toContain(right)
  expect(problems(rulesText.replace(right, wrong)).join('\n')).toContain(problem)
})
