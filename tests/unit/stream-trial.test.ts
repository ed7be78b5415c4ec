import { expect, test } from 'vitest'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import { compile } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { instant, int, text } from '../../etl/stream/words.ts'
import { tryRecords, type Trial } from '../../scripts/pulse/streams/trial.ts'
import { change, heartbeat, truncated } from '../support/debezium.ts'
import { aRecord, aRecordOf, KAFKA_TIME, messagesOf } from '../support/messages.ts'
import { visits } from '../support/streams/visits.ts'

/** What `pulse streams try` says of records. */

const { aMessage, aBrokenMessage } = messagesOf(visits)

const inParts = (...parts: readonly (readonly SourceRecord[])[]) =>
  parts.map((records, partition) => ({ partition, records }))
const knowsAll = () => Promise.resolve()

const tried = (definition: Definition, ...parts: readonly (readonly SourceRecord[])[]): Promise<Trial> =>
  tryRecords({ stream: compile(definition), maxAgeDays: 400 }, inParts(...parts), knowsAll)

const numbered = (messages: readonly (object | string)[]): SourceRecord[] =>
  messages.map((message, offset) => aRecordOf(message, { offset, timestamp: KAFKA_TIME }))

test('each record is counted once, and a repeated identity in any partition', async () => {
  const one = aMessage()
  const trial = await tried(
    visits,
    numbered([one, '{', aBrokenMessage(), '[]', '{']),
    numbered([aMessage(), one, one]),
  )
  expect(trial).toMatchObject({ records: 8, valid: 4, repeated: 2, rejected: 4, skipped: 0, stops: 0 })
  expect(trial.valid + trial.rejected + trial.skipped).toBe(trial.records)
  expect(trial.groups).toMatchObject([
    {
      outcome: 'dead letter',
      failure: 'malformed_json',
      count: 2,
      example: { partition: 0, offset: 1, issue: expect.stringContaining('JSON') },
    },
    { count: 1, example: { partition: 0, offset: 2 } },
    { count: 1, example: { partition: 0, offset: 3 } },
  ])
})

test('optional fields that no record has are named, as their path may be wrong', async () => {
  const without = aMessage({ note: undefined, seconds: undefined, basket: undefined })
  const { alwaysNull } = await tried(
    visits,
    numbered([without]),
    numbered([aMessage({ seconds: 3, basket: undefined })]),
  )
  expect(alwaysNull).toContain('basket')
  expect(alwaysNull).not.toContain('seconds')
  expect((await tried(visits, numbered(['{']))).alwaysNull).toEqual([])
})

test('of a topic without records nothing is said', async () => {
  expect(await tried(visits)).toEqual({
    records: 0,
    valid: 0,
    repeated: 0,
    rejected: 0,
    skipped: 0,
    stops: 0,
    groups: [],
    alwaysNull: [],
  })
})

const insert = (id: number, source: Readonly<Record<string, unknown>> = {}) =>
  change('c', { after: { id, name: 'Ana', changed_at: KAFKA_TIME } }, source)

test('what follows a stop is looked at as if an operator let it pass', async () => {
  const customers = defineStream('customers', {
    title: 'customer',
    topic: { key: 'customer_id' },
    envelope: 'debezium',
    fields: { customer_id: int({ at: 'id' }), name: text(50), changed_at: instant({ epoch: 'ms' }) },
    eventTime: 'changed_at',
    partitionBy: 'month',
    identity: { once: 'customer_id', scope: 'event_time' },
  })
  const records = numbered([
    insert(1),
    truncated(),
    heartbeat(),
    insert(2),
    insert(3, { name: 'another' }),
    insert(4, { name: 'another' }),
    insert(5),
  ])
  const sliced = records.map((record) => ({ partition: 0, records: [record] }))
  const rules = { stream: compile(customers), maxAgeDays: 400 }
  expect(await tryRecords(rules, sliced, knowsAll)).toMatchObject({ valid: 5, stops: 3 })
  const trial = await tried(customers, records, [aRecord({ offset: 9, value: null })])
  expect(trial).toMatchObject({ records: 8, valid: 5, rejected: 0, skipped: 3, stops: 3 })
  expect(trial.groups.filter(({ outcome }) => outcome === 'stop')).toMatchObject([
    { failure: 'another_writer', count: 2, example: { offset: 4 } },
    { failure: 'truncated', count: 1, example: { offset: 1 } },
  ])
})

test('where each record is a fact none is repeated', async () => {
  const clicks = defineStream('clicks', {
    title: 'click',
    topic: { key: 'page' },
    fields: { page: text(50), at: instant({ epoch: 'ms', column: 'clicked_at' }) },
    eventTime: 'at',
    partitionBy: 'month',
    identity: { each: 'record' },
  })
  const click = { page: 'home', at: KAFKA_TIME }
  expect(await tried(clicks, numbered([click, click]))).toMatchObject({ valid: 2, repeated: 0 })
})

const derive = () => {
  throw new Error('no such rate')
}

test('a fault of derive is told', async () => {
  const rules = { stream: { ...compile(visits), derive }, maxAgeDays: 400 }
  await expect(tryRecords(rules, inParts(numbered([aMessage()])), knowsAll)).rejects.toThrow('no such rate')
})
