import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { aWorldOfParcels } from '../support/parcels.ts'

async function actingAs(role: 'pulse_loader' | 'pulse_reader'): Promise<(sql: string) => Promise<string>> {
  const world = await aWorldOfParcels({ withoutTopics: true })
  const client = new Client({ connectionString: world.env['DATABASE_URL'] })
  await client.connect()
  onTestFinished(() => client.end())
  await client.query(`set role ${role}`)
  return (sql) =>
    client.query(sql).then(
      () => 'ok',
      (error: Error) => error.message,
    )
}

const STEPS = [
  `select audit.drop_partition('parcels', '2020-01-01')`,
  "select audit.drop_keys('parcels', 50, 0)",
  `select audit.fold_batches('t', 0, 1, 1)`,
  'select audit.prune_dead_letters(1)',
  'select audit.prune_runs(1)',
  'select audit.prune_alerts(1)',
]

test('the loader takes old rows away by these functions only', async () => {
  const tried = await actingAs('pulse_loader')
  for (const statement of STEPS) expect([statement, await tried(statement)]).toEqual([statement, 'ok'])
  for (const statement of [
    'delete from parcels',
    'delete from parcel_keys',
    'delete from parcels_by_minute',
    'delete from pipeline_batches',
    'delete from dead_letters',
    'delete from pipeline_runs',
    'delete from alerts',
    'delete from alert_notifications',
    'delete from operator_actions',
    'delete from opening_balances',
    'update opening_balances set dropped = 0',
    'insert into opening_balances (topic, partition, incarnation, from_offset, to_offset) values (1, 1, 1, 1, 2)',
    'update pipeline_batches set dropped = 0',
    'alter table parcels detach partition parcels_2020_01',
  ]) {
    expect([statement, await tried(statement)]).toEqual([
      statement,
      expect.stringMatching(/permission denied|must be owner/),
    ])
  }
})

test('nobody else may', async () => {
  const tried = await actingAs('pulse_reader')
  for (const statement of STEPS)
    expect([statement, await tried(statement)]).toEqual([
      statement,
      expect.stringMatching(/^permission denied/),
    ])
})

test('the functions refuse what is young, whoever asks', async () => {
  const tried = await actingAs('pulse_loader')
  for (const [statement, refusal] of [
    [
      `select audit.drop_partition('parcels', date_trunc('month', now())::date)`,
      /ended less than 31 days ago$/,
    ],
    [
      `select audit.drop_partition('parcels', (date_trunc('month', now()) - interval '1 month')::date)`,
      /ended less than 31 days ago$/,
    ],
    [`select audit.drop_partition('parcels', '2020-01-02')`, /is not the first day of a month$/],
    [`select audit.drop_partition('parcels', 'infinity')`, /./],
    ["select audit.drop_partition('parcels', null)", /is not the first day of a month$/],
    ["select audit.drop_keys('parcels', 31, 0)", /must be older than 32 days/],
    ["select audit.drop_keys('parcels', null, 0)", /must be older than 32 days/],
    ["select audit.drop_keys('parcels', 50, -1)", /page -1$/],
    [`select audit.fold_batches('t', 0, 1, 0)`, /must be older than a day/],
    [`select audit.fold_batches('t', 0, 1, null)`, /must be older than a day/],
    ['select audit.prune_dead_letters(0)', /must be resolved for a day/],
    ['select audit.prune_runs(-1)', /must be older than a day/],
    ['select audit.prune_alerts(0)', /must have ended a day ago/],
  ] as const) {
    expect([statement, await tried(statement)]).toEqual([statement, expect.stringMatching(refusal)])
  }
})

test('a month is not dropped on an older snapshot, which would not see all of its facts', async () => {
  const tried = await actingAs('pulse_loader')
  await tried('begin isolation level repeatable read')
  expect(await tried(`select audit.drop_partition('parcels', '2020-01-01')`)).toBe(
    'months are dropped in READ COMMITTED only',
  )
})
