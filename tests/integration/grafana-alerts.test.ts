import { afterAll, beforeAll, expect, test } from 'vitest'
import { alerts as declared } from '../../streams/dashboards.ts'
import { alertRules, askAlert, stateOf } from '../support/grafana-alert-answers.ts'
import type { AlertFile } from '../support/grafana-files.ts'
import { alertResultProblems } from '../support/grafana-results.ts'
import { stream } from '../support/stream.ts'
import { aWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await aWorld({ withoutTopics: true })
  // Of the installation's other streams nobody runs one here, which is an alert of its own.
  await world.pool.query('update audit.streams set retired_at = now() where name <> $1', [stream.name])
})
afterAll(() => world?.cleanUp())

const ofStreams: readonly { readonly title: string }[] = declared
/** A stream tests its own. */
const rules = new Map(
  [...alertRules()].filter(([title]) => ofStreams.every((alert) => alert.title !== title)),
)
const ask = (rule: AlertFile, happened: readonly string[]) => askAlert(world, rule, happened)

const run = (status: string, secondsAgo: number, kind = 'tick') =>
  `insert into audit.pipeline_runs (stream, kind, worker, status, started_at, finished_at)
   values ('${stream.name}', '${kind}', 'w', '${status}', now() - interval '${secondsAgo + 2} seconds',
           ${status === 'running' ? 'null' : `now() - interval '${secondsAgo} seconds'`})`

const batch = ({ secondsAgo = 10, waited = 5, consumed = 100, dead = 0, status = 'succeeded' } = {}) => [
  run(status, secondsAgo),
  `insert into audit.pipeline_batches (topic, partition, incarnation, from_offset, to_offset, batch_id, run_id, consumed, loaded,
     dead_lettered, oldest_record_at, newest_record_at, extract_ms, validate_ms, transform_ms, load_ms, loaded_at)
   select 't', 0, 1, 0, ${Math.max(consumed, 1)}, 't:0', id, ${consumed}, ${consumed - dead}, ${dead},
     ${consumed === 0 ? 'null, null' : `now() - interval '${secondsAgo + waited} seconds', now() - interval '${secondsAgo} seconds'`},
     1, 1, 1, 1, now() - interval '${secondsAgo} seconds' from audit.pipeline_runs`,
]

const partition = (stop: string) => [
  `insert into audit.partition_progress (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start, stopped_at, stop_code)
   values ('t', 0, '${stream.name}', 0, 1, 0, 0, 'c', 0, null, null), ('t', 1, '${stream.name}', 1, 1, 0, 0, 'c', 0, ${stop})`,
]

/** A partition that a run looked at, and one that was loaded, so many seconds ago. */
const seen = (lookedAgo: number, loadedAgo = lookedAgo, stop = 'null, null') => [
  `insert into audit.partition_progress
     (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start, log_end, log_seen_at, updated_at, stopped_at, stop_code)
   values ('t', 0, '${stream.name}', 0, 1, 0, 0, 'c', 0, 0, now() - interval '${lookedAgo} seconds', now() - interval '${loadedAgo} seconds', ${stop})`,
]

const loss = (acknowledged: string) => [
  `insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset, acknowledged_at)
   values ('t', 0, 1, 10, 30, ${acknowledged}), ('t', 0, 2, 10, 15, ${acknowledged}), ('t', 1, 1, 0, 1, ${acknowledged})`,
]

const paused = `update audit.control set paused_at = now() - interval '4 minutes', paused_by = 'somebody' where stream = ''`

const cases: [alert: string, situation: string, happened: string[], state: 'fires' | 'quiet' | 'no data'][] =
  [
    ['PulseNoSuccessfulRun', 'nothing ever ran', [], 'fires'],
    ['PulseNoSuccessfulRun', 'a run has just succeeded', [run('succeeded', 20)], 'quiet'],
    ['PulseNoSuccessfulRun', 'the last success is four minutes old', [run('succeeded', 240)], 'fires'],
    [
      'PulseNoSuccessfulRun',
      'since then runs failed',
      [run('succeeded', 240), run('failed', 30), run('abandoned', 60)],
      'fires',
    ],
    ['PulseNoSuccessfulRun', 'a manual run has just succeeded', [run('succeeded', 20, 'manual')], 'quiet'],
    [
      'PulseNoSuccessfulRun',
      'only a replay and housekeeping succeeded',
      [run('succeeded', 20, 'replay'), run('succeeded', 20, 'housekeeping')],
      'fires',
    ],
    ['PulseNoSuccessfulRun', 'it is paused', [run('succeeded', 240), paused], 'quiet'],
    [
      'PulseNoSuccessfulRun',
      'a long run works off a backlog',
      batch({ status: 'running', secondsAgo: 20 }),
      'quiet',
    ],
    [
      'PulseNoSuccessfulRun',
      'a run loaded something and then failed',
      batch({ status: 'failed', secondsAgo: 20 }),
      'fires',
    ],
    ['PulseNoSuccessfulRun', 'a run hangs', batch({ status: 'running', secondsAgo: 300 }), 'fires'],

    ['PulseDataStale', 'nothing ever ran', [], 'no data'],
    ['PulseDataStale', 'it is paused', [...seen(200), paused], 'no data'],
    ['PulseDataStale', 'the topic is quiet', seen(20, 86_400), 'quiet'],
    ['PulseDataStale', 'only transaction markers passed', [...seen(20), ...batch({ consumed: 0 })], 'quiet'],
    ['PulseDataStale', 'records waited for a tick', [...seen(10), ...batch({ waited: 31 })], 'quiet'],
    ['PulseDataStale', 'records waited for 70 seconds', [...seen(10), ...batch({ waited: 70 })], 'fires'],
    [
      'PulseDataStale',
      'that was five minutes ago',
      [...seen(10), ...batch({ waited: 70, secondsAgo: 300 })],
      'quiet',
    ],
    ['PulseDataStale', 'nobody owns a partition', seen(90), 'fires'],
    ['PulseDataStale', 'a long run drains it', seen(90, 2), 'quiet'],
    ['PulseDataStale', 'it is stopped', seen(90, 90, "now(), 'log_differs'"), 'no data'],
    ['PulseDataStale', 'it is of a topic of last week', seen(7 * 86_400), 'no data'],

    ['PulsePartitionStopped', 'all go on', partition('null, null'), 'no data'],
    ['PulsePartitionStopped', 'one stands still', partition("now(), 'log_differs'"), 'fires'],

    ['PulseDataLoss', 'nothing is lost', [], 'no data'],
    ['PulseDataLoss', 'a gap was found', loss('null'), 'fires'],
    ['PulseDataLoss', 'it is acknowledged', loss('now()'), 'no data'],

    ['PulseDeadLettersHigh', 'nothing was consumed', [], 'no data'],
    ['PulseDeadLettersHigh', '4 % are dead letters', batch({ dead: 4 }), 'quiet'],
    ['PulseDeadLettersHigh', '6 % are dead letters', batch({ dead: 6 }), 'fires'],
    ['PulseDeadLettersHigh', 'one of two is', batch({ consumed: 2, dead: 1 }), 'no data'],
    ['PulseDeadLettersHigh', 'that was an hour ago', batch({ dead: 6, secondsAgo: 3_600 }), 'no data'],
  ]

test.each(cases)('%s when %s', async (title, _, happened, expected) => {
  const rule = rules.get(title)!
  const result = await ask(rule, happened)
  expect(alertResultProblems(result)).toEqual([])
  expect(stateOf(rule, result)).toBe(expected)
})

test('every alert has a case where it fires and one where it does not', () => {
  for (const title of rules.keys()) {
    const states = cases.filter(([alert]) => alert === title).map(([, , , expected]) => expected)
    expect(new Set(states).size).toBeGreaterThan(1)
    expect(states).toContain('fires')
  }
})

test('an alert names the partition that it is about', async () => {
  const stopped = await ask(rules.get('PulsePartitionStopped')!, partition("now(), 'log_differs'"))
  expect(stopped.rows).toEqual([{ topic: 't', partition: '1', stop_code: 'log_differs', stopped: 1 }])
  const lost = await ask(rules.get('PulseDataLoss')!, loss('null'))
  const offsets = lost.rows.map((row) => [String(row['partition']), Number(row['offsets'])] as const)
  expect(new Map(offsets)).toEqual(
    new Map([
      ['0', 25],
      ['1', 1],
    ]),
  )
})

test.each([...rules.values()])('$title names only labels that its query has', async (rule) => {
  const { columns } = await ask(rule, [])
  const named = Object.values(rule.annotations).flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)])
  const labels = columns.filter(({ kind }) => kind === 'text').map(({ name }) => name)
  expect(labels).toEqual(expect.arrayContaining(named.map(([, name]) => name)))
})
