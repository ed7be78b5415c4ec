import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Finding, RuleContext } from '../../etl/alerts/alert.ts'
import { RULES } from '../../etl/alerts/rules.ts'
import { contractHash } from '../../etl/stream/registry.ts'
import {
  acknowledged,
  batch,
  contract,
  loss,
  pause,
  present,
  resumed,
  run,
  slow,
  stopped,
} from '../support/alert-situations.ts'
import { stream } from '../support/stream.ts'
import { aWorld, type World } from '../support/world.ts'

/** What each rule finds, as the loader, in a warehouse where something has happened. */

let world: World
beforeAll(async () => {
  world = await aWorld({ withoutTopics: true })
})
afterAll(() => world?.cleanUp())

const CONTEXT: RuleContext = {
  stream: stream.name,
  topic: 't',
  prefix: '',
  lateSeconds: 180,
  deadLetterRatio: 0.05,
  watchedSeconds: 3_600,
}

/** The situation is undone afterwards. */
async function find(
  id: string,
  happened: readonly string[],
  context: Partial<RuleContext> = {},
): Promise<readonly Finding[]> {
  const client = await world.pool.connect()
  try {
    await client.query('begin')
    for (const statement of happened) await client.query(statement)
    await client.query('set local role pulse_loader')
    return await RULES.find((rule) => rule.id === id)!.find(client, { ...CONTEXT, ...context })
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const failed = (ago: number, worker = 'w') => run({ status: 'failed', ago, worker })
const succeeded = (ago: number, worker = 'w') => run({ ago, worker })

const openRatioAlert = `insert into audit.alerts (stream, rule, severity, summary, first_action) values ('${stream.name}', 'dead_letter_ratio', 'warning', 's', 'f')`

const REGISTERED = contractHash(stream.definition)

type Case = [
  rule: string,
  situation: string,
  happened: string[],
  fires: boolean,
  context?: Partial<RuleContext>,
]
const cases: Case[] = [
  ['contracts_differ', 'a worker has the contract that is registered', [contract('w', REGISTERED)], false],
  ['contracts_differ', 'a worker has another contract', [contract('w', 'another')], true],
  [
    'contracts_differ',
    'another contract came with an upgrade just now',
    [contract('w', REGISTERED), contract('new', 'another', 5)],
    false,
  ],
  ['contracts_differ', 'a worker that is gone had another', [contract('w', 'another', 600, 500)], false],
  ['slow_record', 'records take no time', [present('w')], false],
  ['slow_record', 'a record took a worker 200 ms', [present('w'), slow('w', 200)], true],
  ['slow_record', 'of a worker that is gone', [present('w', 600), slow('w', 200)], false],
  ['run_failed', 'nothing ever ran', [], false],
  ['run_failed', 'the last run succeeded', [failed(150), succeeded(20)], false],
  ['run_failed', 'the last run failed', [succeeded(50), failed(20)], true],
  ['run_failed', 'it failed an hour ago and none ran since', [failed(3_600)], true],
  ['run_failed', 'runs fail every other time', [failed(80), succeeded(50)], true],
  [
    'run_failed',
    'one worker fails and another succeeds',
    [present('a'), failed(200, 'a'), present('b'), succeeded(20, 'b')],
    true,
  ],
  [
    'run_failed',
    'the worker that failed is gone and another succeeds',
    [present('a', 60), failed(200, 'a'), present('b'), succeeded(20, 'b')],
    false,
  ],
  [
    'run_failed',
    'the worker that failed is gone and none has succeeded since',
    [succeeded(300, 'b'), failed(200, 'a'), present('b')],
    true,
  ],
  ['run_failed', 'a replay failed', [run({ status: 'failed', kind: 'replay' })], false],
  ['run_failed', 'only a replay has succeeded since', [failed(200), run({ kind: 'replay', ago: 20 })], true],
  ['run_failed', 'a worker was killed', [run({ status: 'abandoned' })], false],

  ['late', 'a run has just succeeded', [succeeded(20)], false],
  ['late', 'the last success is four minutes old', [succeeded(240)], true],
  ['late', 'since then runs failed', [succeeded(240), failed(30), failed(60)], true],
  ['late', 'nothing ever ran, for an hour', [], true],
  ['late', 'the first start was a minute ago', [failed(20)], false, { watchedSeconds: 60 }],
  ['late', 'it starts after a weekend', [succeeded(200_000), failed(20)], false, { watchedSeconds: 60 }],
  [
    'late',
    'workers that start die again and again',
    [succeeded(900), ...[600, 400, 200, 20].map((ago) => run({ status: 'abandoned', ago }))],
    true,
    { watchedSeconds: 5 },
  ],
  ['late', 'it is paused', [succeeded(240), pause(200)], false],
  ['late', 'it was resumed just now', [succeeded(7_200), resumed(20)], false],
  ['late', 'it was resumed four minutes ago', [succeeded(7_200), resumed(240)], true],
  [
    'late',
    'a long run works off a backlog',
    [succeeded(600), run({ status: 'running', ago: 0, took: 500 }), batch({ ago: 20 })],
    false,
  ],
  [
    'late',
    'a run hangs',
    [succeeded(600), run({ status: 'running', ago: 0, took: 500 }), batch({ ago: 300 })],
    true,
  ],
  ['late', 'a run loaded something and then failed', [succeeded(600), failed(10), batch()], true],
  [
    'late',
    'a long run has just succeeded, begun before one of a worker that is gone',
    [run({ ago: 20, took: 500 }), batch({ ago: 25 }), succeeded(400, 'gone')],
    false,
  ],
  ['late', 'only a replay succeeded', [succeeded(240), run({ kind: 'replay' }), batch()], true],
  ['late', 'more patience is configured', [succeeded(240)], false, { lateSeconds: 300 }],

  ['partition_stopped', 'nothing ever ran', [], false],
  ['partition_stopped', 'one stands still', [stopped(1, 'log_differs')], true],
  ['partition_stopped', 'one of a topic of last year does', [stopped(1, 'log_differs', 'r', 'old')], false],

  ['data_loss', 'nothing is lost', [], false],
  ['data_loss', 'a gap was found', [loss(0, 10, 30)], true],
  ['data_loss', 'it is acknowledged', [loss(0, 10, 30), acknowledged], false],
  ['data_loss', 'it is of another topic', [loss(0, 10, 30, 'old')], false],

  ['dead_letter_ratio', 'nothing was consumed', [], false],
  ['dead_letter_ratio', '5 % are dead letters', [run(), batch({ dead: 5 })], false],
  ['dead_letter_ratio', '6 % are dead letters', [run(), batch({ dead: 6 })], true],
  ['dead_letter_ratio', 'all of 19 are', [run(), batch({ consumed: 19, dead: 19 })], false],
  ['dead_letter_ratio', 'that was a quarter of an hour ago', [run(), batch({ dead: 6, ago: 900 })], false],
  ['dead_letter_ratio', 'it is of another topic', [run(), batch({ dead: 6, topic: 'old' })], false],
  ['dead_letter_ratio', 'it falls to 4 %', [openRatioAlert, run(), batch({ dead: 4 })], true],
  ['dead_letter_ratio', 'it falls to 3 %', [openRatioAlert, run(), batch({ dead: 3 })], false],
  [
    'dead_letter_ratio',
    'nothing comes any more',
    [openRatioAlert, run(), batch({ dead: 9, ago: 900 })],
    false,
  ],
  ['dead_letter_ratio', 'a half is allowed', [run(), batch({ dead: 6 })], false, { deadLetterRatio: 0.5 }],

  ['paused', 'it runs', [], false, { stream: '' }],
  ['paused', 'all streams are paused, which is told once', [pause(3_700)], false],
  ['paused', 'it has been paused for a while', [pause(1_800)], false, { stream: '' }],
  ['paused', 'it has been paused for long', [pause(3_700)], true, { stream: '' }],
]

test.each(cases)('%s, when %s', async (rule, _, happened, fires, context) => {
  expect((await find(rule, happened, context)).length > 0).toBe(fires)
})

test('every rule has a case where it fires and one where it does not', () => {
  for (const { id } of RULES) {
    const outcomes = cases.filter(([rule]) => rule === id).map(([, , , fires]) => fires)
    expect(new Set(outcomes)).toEqual(new Set([true, false]))
  }
})

/** Seconds. */
async function agoOf(
  rule: string,
  happened: readonly string[],
  context: Partial<RuleContext> = {},
): Promise<number> {
  const [finding] = await find(rule, happened, context)
  return (Date.now() - finding!.since.getTime()) / 1_000
}

test('an alert says since when: the last success, the stop, the discovery', async () => {
  expect(await agoOf('late', [succeeded(240), failed(30)])).toBeCloseTo(240, -1)
  expect(await agoOf('partition_stopped', [stopped(1, 'log_differs')])).toBeCloseTo(60, -1)
  expect(await agoOf('data_loss', [loss(0, 10, 30)])).toBeCloseTo(60, -1)
  expect(await agoOf('paused', [pause(7_200)], { stream: '' })).toBeCloseTo(7_200, -1)
})

test('each stop names its own way out', async () => {
  const codes = [
    'mass_rejection',
    'another_cluster',
    'log_shorter',
    'log_start_moved_back',
    'log_differs',
    'another_owner',
    'truncated',
    'another_writer',
  ]
  const findings = await find(
    'partition_stopped',
    codes.map((code, partition) => stopped(partition, code)),
  )
  expect(findings.map(({ scope }) => scope)).toEqual(codes.map((_, partition) => `partition ${partition}`))
  expect(findings.map(({ summary }) => summary)).toEqual(
    codes.map((code, partition) => `Partition ${partition} of t stopped (${code}): so it is`),
  )
  expect(findings.map(({ firstAction }) => /pulse partitions .*$/.exec(firstAction)![0])).toEqual([
    'pulse partitions continue 0',
    ...[1, 2, 3, 4].map((partition) => `pulse partitions new-incarnation ${partition} --from-beginning`),
    'pulse partitions take-over',
    'pulse partitions continue 6',
    'pulse partitions continue 7',
  ])
})

test('a stream that is run by nobody is late, and its alert says why', async () => {
  const [nobody] = await find('late', [succeeded(200)])
  expect(nobody!.summary).toBe('No run has succeeded for more than 180 s: no worker runs the stream')
  expect(nobody!.firstAction).toMatch(/^Start a worker that runs it/)
  const [somebody] = await find('late', [succeeded(200), present('w')])
  expect(somebody!.summary).toBe('No run has succeeded for more than 180 s')
})

test('data loss is one alert for each partition, with all its gaps', async () => {
  const findings = await find('data_loss', [loss(0, 10, 30), loss(0, 40, 45), loss(1, 0, 1)])
  expect(findings).toMatchObject([
    {
      scope: 'partition 0',
      summary: 'Kafka dropped 25 offsets of partition 0 of t before loading, from offset 10 on',
    },
    { scope: 'partition 1' },
  ])
  expect(findings[0]!.firstAction).toContain('pulse partitions acknowledge-loss 0 10 --reason')
})

test('an error is quoted without passwords, in one short line', async () => {
  const error = `at postgres://pulse:s3cret@host/db\n${'x'.repeat(2_000)}`
  const [finding] = await find('run_failed', [run({ status: 'failed', error, worker: 'etl-1:7' })])
  expect(finding!.summary).toMatch(
    /^A run of etl-1:7 failed: at postgres:\/\/pulse:\*\*\*@host\/db\\u\{a\}x+…$/,
  )
  expect(finding!.summary.length).toBeLessThan(400)
})

test('several workers that fail are one alert', async () => {
  const findings = await find('run_failed', [failed(40, 'a'), failed(20, 'b')])
  expect(findings.map(({ scope, summary }) => ({ scope, summary }))).toEqual([
    { scope: '', summary: 'Runs of 2 workers failed, the newest of b: it broke' },
  ])
})
