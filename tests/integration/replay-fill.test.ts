import { describe, expect, onTestFinished, test } from 'vitest'
import { compile } from '../../etl/stream/compile.ts'
import { readAction } from '../../etl/operations/actions.ts'
import { requestReplay } from '../../etl/replay/request.ts'
import { aCall, aGrownWorld } from '../support/calls.ts'
import { grow } from '../support/grown.ts'
import { provedBy } from '../support/reconciled.ts'
import { deleteRecordsBefore } from '../support/kafka.ts'
import { ALL, aReplayer, OPERATOR, settled } from '../support/replayer.ts'
import { calls, firstCalls, GROWN } from '../support/streams/calls.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

/** A field that was declared after rows were loaded: a replay gives them its value from the log, and nothing else. */

const stream = compile(calls)

async function fill(world: World, field: string, dryRun = false) {
  const asked = { stream: 'calls', topic: world.topic, range: ALL, dryRun, fill: field }
  const { action } = await requestReplay(world.pool, world.kafka, OPERATOR, asked)
  return settled(world, action.id, 'succeeded')
}

const many = (count: number) => Array.from({ length: count }, () => aCall())

const filling = (world: World, changes: { batchSize?: number } = {}) =>
  aReplayer(world, { stream, ...changes })

async function stored({ pool }: World, columns = 'agent_name, fee, is_paid, parts, is_long') {
  const { rows } = await pool.query<Record<string, unknown>>(
    `select ${columns} from warehouse.calls order by source_partition, source_offset`,
  )
  return rows
}

const NOTHING = { agent_name: null, fee: null, is_paid: null, parts: null, is_long: false }

describe('a fill', () => {
  test('gives each row what its record says, in its rollup and its lines too, and nothing else; the proof balances all along', async () => {
    const world = await aGrownWorld([
      aCall(),
      aCall({ agent: undefined, fee: undefined, parts: [] }),
      aCall({ fee: 9, is_paid: false }),
    ])
    await filling(world)
    const before = await provedBy(world, calls)
    expect(before).toMatchObject({ balanced: true, told: [], everyRecord: { facts: 3 } })
    expect(before.everyRecord!.toFill).toEqual({ agent: 2, fee: 2, is_paid: 3, parts: 3 })
    expect(before.warnings).toContain(
      '2 rows from before agent was declared have none, while the record says it: pulse replay --fill agent',
    )

    expect((await fill(world, 'agent')).result).toMatchObject({
      records: 3,
      facts: 3,
      changed: 2,
      otherValues: 0,
    })
    expect(await stored(world)).toEqual([
      { ...NOTHING, agent_name: 'Ada' },
      NOTHING,
      { ...NOTHING, agent_name: 'Ada' },
    ])
    expect(await provedBy(world, calls)).toMatchObject({
      balanced: true,
      told: [],
      everyRecord: { toFill: { fee: 2, is_paid: 3, parts: 3 } },
    })

    const fees = await fill(world, 'fee')
    expect(fees.result).toMatchObject({ changed: 2, fees: { before: '0.00', after: '11.50' } })
    expect(fees.result?.['samples']).toMatchObject([
      { before: { fee: null }, after: { fee: '2.50' } },
      { before: { fee: null }, after: { fee: '9.00' } },
    ])
    await fill(world, 'is_paid')
    await fill(world, 'parts')
    expect(await stored(world)).toEqual([
      { agent_name: 'Ada', fee: '2.50', is_paid: true, parts: 2, is_long: false },
      { agent_name: null, fee: null, is_paid: true, parts: 0, is_long: false },
      // What is derived goes by the fee, and is not the fill's affair.
      { agent_name: 'Ada', fee: '9.00', is_paid: false, parts: 2, is_long: false },
    ])
    const { rows } = await world.pool.query(
      `select sum(calls)::int as calls, sum(fee)::text as fee, sum(paid)::int as paid,
              (select string_agg(line_no || what || units, ' ' order by line_no) from warehouse.calls_parts
               where call_id = (select call_id from warehouse.calls where source_offset = 0)) as lines
       from warehouse.calls_by_hour`,
    )
    expect(rows).toEqual([{ calls: 3, fee: '11.50', paid: 2, lines: '1ring2 2talk28' }])
    const after = await provedBy(world, calls)
    expect(after).toMatchObject({ balanced: true, told: [], everyRecord: { facts: 3, toFill: {} } })
    expect(after.warnings).toEqual([])

    // A replay of the usual kind brings what is derived up to date, now that rows have all their values.
    const { action } = await requestReplay(world.pool, world.kafka, OPERATOR, {
      stream: 'calls',
      topic: world.topic,
      range: ALL,
      dryRun: false,
    })
    expect((await settled(world, action.id, 'succeeded')).result).toMatchObject({
      changed: 1,
      otherValues: 0,
    })
    expect((await stored(world, 'is_long')).map((row) => row['is_long'])).toEqual([false, false, true])
  })

  test('done twice changes nothing the second time, and a dry run nothing at all', async () => {
    const world = await aGrownWorld([aCall(), aCall()])
    await filling(world)
    expect((await fill(world, 'fee', true)).result).toMatchObject({ changed: 2 })
    expect(await stored(world)).toEqual([NOTHING, NOTHING])
    const first = await fill(world, 'fee')
    const rows = await stored(world, '*, xmin')
    expect((await fill(world, 'fee')).result).toMatchObject({ facts: 2, changed: 0, samples: [] })
    expect(first.result).toMatchObject({ changed: 2 })
    expect(await stored(world, '*, xmin')).toEqual(rows)
  })

  test('leaves alone what says something else than the log, and what has a value', async () => {
    const world = await aGrownWorld([aCall(), aCall(), aCall()])
    await world.pool.query(`
      update warehouse.calls set seconds = 31 where source_offset = 0;
      update warehouse.calls set agent_name = 'Bob' where source_offset = 1`)
    await filling(world)
    expect((await fill(world, 'agent')).result).toMatchObject({ facts: 1, changed: 1, otherValues: 2 })
    expect((await stored(world, 'agent_name')).map((row) => row['agent_name'])).toEqual([null, 'Bob', 'Ada'])
    const { told } = await provedBy(world, calls)
    expect(told).toContain('every record: the fact\'s agent is "Bob", by the record "Ada"')
    expect(told).toContain("every record: the fact's seconds is 31, by the record 30")
  })

  test('counts what was a duplicate before the field was declared as one, whatever it says of it', async () => {
    const call = aCall()
    const world = await aGrownWorld([call, { ...call, agent: 'Bob' }, call])
    await filling(world)
    for (const _ of ['not filled yet', 'filled']) {
      const proof = await provedBy(world, calls)
      expect(proof).toMatchObject({ balanced: true, told: [], everyRecord: { facts: 1, duplicates: 2 } })
      await fill(world, 'agent')
    }
    expect(await stored(world, 'agent_name')).toEqual([{ agent_name: 'Ada' }])
  })

  test('takes turns with loads beside it, which bring the field themselves', async () => {
    const world = await aWorld({ stream: firstCalls, partitions: 2 })
    for (const partition of [0, 1]) await world.produce(many(400), { partition })
    await world.runOnce()
    await grow(world, calls, GROWN)
    await filling(world, { batchSize: 20 })
    const asked = { stream: 'calls', topic: world.topic, range: ALL, dryRun: false, fill: 'fee' }
    const { action } = await requestReplay(world.pool, world.kafka, OPERATOR, asked)
    const isOver = async () => (await readAction(world.pool, action.id)).status === 'succeeded'
    let loaded = 800
    while (!(await isOver())) {
      for (const partition of [0, 1]) await world.produce(many(30), { partition })
      expect(await world.runOnce({ stream, batchSize: 15 })).toMatchObject({ status: 'succeeded' })
      loaded += 60
      expect(await provedBy(world, calls)).toMatchObject({ balanced: true, told: [] })
    }
    expect((await readAction(world.pool, action.id)).result).toMatchObject({ changed: 800 })
    const { rows } = await world.pool.query<{ facts: number; fee: string; summed: string }>(
      `select count(*)::int as facts, sum(fee)::text as fee, (select sum(fee)::text from warehouse.calls_by_hour) as summed
       from warehouse.calls`,
    )
    const fee = (loaded * 2.5).toFixed(2)
    expect(rows).toEqual([{ facts: loaded, fee, summed: fee }])
    expect(await provedBy(world, calls)).toMatchObject({ balanced: true, told: [] })
  })

  test('waits for a load of its partition, and finds what that left', async () => {
    const world = await aGrownWorld([aCall()])
    const rival = await world.pool.connect()
    onTestFinished(() => rival.release(true))
    await rival.query('begin')
    await rival.query('select from audit.partition_progress for update')
    await filling(world)
    const asked = { stream: 'calls', topic: world.topic, range: ALL, dryRun: false, fill: 'agent' }
    const { action } = await requestReplay(world.pool, world.kafka, OPERATOR, asked)
    await waitFor('the fill to wait for the partition', async () => {
      const { rowCount } = await world.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rowCount === 1
    })
    await rival.query(`update warehouse.calls set agent_name = 'Bob'`)
    await rival.query('commit')
    expect((await settled(world, action.id, 'succeeded')).result).toMatchObject({
      changed: 0,
      otherValues: 1,
    })
    expect(await stored(world, 'agent_name')).toEqual([{ agent_name: 'Bob' }])
  })

  test('of what Kafka no longer holds leaves rows as they are', async () => {
    const world = await aGrownWorld([aCall(), aCall(), aCall()])
    await deleteRecordsBefore(world, 2)
    await filling(world)
    const action = await fill(world, 'agent')
    expect(action.target['notes']).toEqual([
      `${world.topic}/0: offsets 0 to 1 are no longer in Kafka: their facts stay as they are.`,
    ])
    expect(action.result).toMatchObject({ records: 1, changed: 1 })
    expect(await stored(world, 'agent_name')).toEqual([
      { agent_name: null },
      { agent_name: null },
      { agent_name: 'Ada' },
    ])
  })
})
