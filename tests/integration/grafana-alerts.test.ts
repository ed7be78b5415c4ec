import { afterAll, beforeAll, expect, test } from 'vitest'
import { readAlertGroups, type AlertFile } from '../support/grafana-files.ts'
import { expandQuery } from '../support/grafana-macros.ts'
import { alertResultProblems, runQuery, type Result } from '../support/grafana-results.ts'
import { aWorld, type World } from '../support/world.ts'
import { stream } from '../support/stream.ts'

let world: World
beforeAll(async () => {
  world = await aWorld({ withoutTopics: true })
})
afterAll(() => world?.cleanUp())

const rules = new Map(readAlertGroups().flatMap((group) => group.rules.map((rule) => [rule.title, rule])))

/** The alert's answer to a warehouse where this has happened; it is undone afterwards. */
async function ask(rule: AlertFile, happened: readonly string[]): Promise<Result> {
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

function state(rule: AlertFile, { columns, rows }: Result): 'fires' | 'quiet' | 'no data' {
  const value = columns.find(({ kind }) => kind === 'number')!.name
  const limit = rule.data.at(-1)!.model.conditions![0]!.evaluator.params[0]!
  if (rows.length === 0) return 'no data'
  return rows.some((row) => Number(row[value]) > limit) ? 'fires' : 'quiet'
}

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

const sales = (transactions: number, flagged: number, minutesAgo = 3) => [
  `insert into warehouse.sales_by_minute (minute, source_partition, currency, product_category, transactions, flagged)
   values (date_trunc('minute', now()) - interval '${minutesAgo} minutes', 0, 'EUR', 'books', ${transactions}, ${flagged})`,
]

const partition = (stop: string) => [
  `insert into audit.partition_progress (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start, stopped_at, stop_code)
   values ('t', 0, 'transactions', 0, 1, 0, 0, 'c', 0, null, null), ('t', 1, 'transactions', 1, 1, 0, 0, 'c', 0, ${stop})`,
]

/** A partition that a run looked at, and one that was loaded, so many seconds ago. */
const seen = (lookedAgo: number, loadedAgo = lookedAgo, stop = 'null, null') => [
  `insert into audit.partition_progress
     (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start, log_end, log_seen_at, updated_at, stopped_at, stop_code)
   values ('t', 0, 'transactions', 0, 1, 0, 0, 'c', 0, 0, now() - interval '${lookedAgo} seconds', now() - interval '${loadedAgo} seconds', ${stop})`,
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

    ['PulseFraudRateHigh', 'nothing was sold', [], 'no data'],
    ['PulseFraudRateHigh', '9 % are flagged', sales(100, 9), 'quiet'],
    ['PulseFraudRateHigh', '11 % are flagged', sales(100, 11), 'fires'],
    ['PulseFraudRateHigh', 'too few to tell', sales(10, 9), 'no data'],
    ['PulseFraudRateHigh', 'that was an hour ago', sales(100, 50, 60), 'no data'],
  ]

test.each(cases)('%s when %s', async (title, _, happened, expected) => {
  const rule = rules.get(title)!
  const result = await ask(rule, happened)
  expect(alertResultProblems(result)).toEqual([])
  expect(state(rule, result)).toBe(expected)
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
