import { assert, array, integer, property, tuple } from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LoadOutcome, PreparedBatch } from '../../etl/job/load.ts'
import { halve, loadWithRecovery } from '../../etl/job/recovery.ts'
import { aMessage, aRecord, aRecordOf } from '../support/messages.ts'
import { aBatch, prepared } from '../support/a-batch.ts'

// Waiting between two tries takes no time here.
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())
async function recovered(...args: Parameters<typeof loadWithRecovery>): Promise<LoadOutcome> {
  const outcome = loadWithRecovery(...args)
  outcome.catch(() => undefined)
  await vi.runAllTimersAsync()
  return outcome
}

const refused = (code: string) => Object.assign(new Error(`refused (${code})`), { severity: 'ERROR', code })

/** A batch of records at these offsets, every third one no JSON. */
const aMixedBatch = (offsets: readonly number[], to = offsets.at(-1)! + 1) =>
  prepared(
    aBatch(
      offsets.map((offset, i) =>
        i % 3 === 2 ? aRecordOf('{', { offset }) : aRecordOf(aMessage(), { offset }),
      ),
      { to },
    ),
  )

/** A warehouse that keeps what it loads and throws what `fails` gives. */
function aWarehouse(fails: (batch: PreparedBatch, call: number) => Error | undefined) {
  const loaded: PreparedBatch[] = []
  let calls = 0
  let retries = 0
  const load = (batch: PreparedBatch): Promise<LoadOutcome> => {
    const error = fails(batch, ++calls)
    if (error !== undefined) return Promise.reject(error)
    loaded.push(batch)
    return Promise.resolve({
      kind: 'loaded',
      loaded: batch.facts.length,
      duplicate: 0,
      skipped: 0,
      deadLettered: batch.rejected.length,
    })
  }
  const signal = new AbortController().signal
  const recovery = {
    load,
    signal,
    isOfFacts: () => false,
    requireSameWarehouse: () => Promise.resolve(),
    logger: pino({ level: 'silent' }),
    onRetry: () => void (retries += 1),
  }
  return { loaded, recovery, calls: () => calls, retries: () => retries }
}

const sparseOffsets = tuple(
  integer({ min: 0, max: 1_000 }),
  array(integer({ min: 1, max: 9 }), { minLength: 2 }),
).map(([start, gaps]) => gaps.map((_, i) => gaps.slice(0, i).reduce((sum, gap) => sum + gap, start)))

test('two halves tile the batch: every record in one of them, no offset left out or twice', () => {
  assert(
    property(sparseOffsets, integer({ min: 1, max: 9 }), (offsets, tail) => {
      const whole = aMixedBatch(offsets, offsets.at(-1)! + tail)
      const [first, second] = halve(whole)
      expect([first.batch.from, first.batch.to, second.batch.to]).toEqual([
        whole.batch.from,
        second.batch.from,
        whole.batch.to,
      ])
      expect([...first.batch.records, ...second.batch.records]).toEqual(whole.batch.records)
      expect([...first.facts, ...second.facts]).toEqual(whole.facts)
      expect([...first.rejected, ...second.rejected]).toEqual(whole.rejected)
      for (const { batch, facts, rejected } of [first, second]) {
        expect(batch.records.length).toBeGreaterThan(0)
        expect(facts.length + rejected.length).toBe(batch.records.length)
        expect(batch.id).toBe(`${whole.batch.topic}:0:${batch.from}-${batch.to - 1}`)
      }
    }),
  )
})

test('whichever record is refused, it alone is a dead letter and every other is loaded once', async () => {
  for (let poison = 0; poison < 7; poison++) {
    const warehouse = aWarehouse(({ facts }) =>
      facts.some(({ offset }) => offset === poison) ? refused('22003') : undefined,
    )
    const records = Array.from({ length: 7 }, (_, offset) => aRecordOf(aMessage(), { offset }))
    const outcome = await recovered(prepared(aBatch(records)), warehouse.recovery)
    expect(outcome).toEqual({ kind: 'loaded', loaded: 6, duplicate: 0, skipped: 0, deadLettered: 1 })
    expect(warehouse.loaded.flatMap(({ rejected }) => rejected)).toMatchObject([
      { record: { offset: poison }, code: 'rejected_by_warehouse', issues: [{ message: /22003/ }] },
    ])
    expect(warehouse.loaded.flatMap(({ batch }) => batch.records.map(({ offset }) => offset))).toEqual(
      records.map(({ offset }) => offset),
    )
  }
})

test('what is not the data’s fault is tried three times more, and then thrown as it is', async () => {
  const warehouse = aWarehouse(() => refused('40P01'))
  await expect(recovered(aMixedBatch([0, 1]), warehouse.recovery)).rejects.toThrow('refused (40P01)')
  expect([warehouse.calls(), warehouse.retries()]).toEqual([4, 3])
})

test('what goes by is loaded whole', async () => {
  const warehouse = aWarehouse((_, call) => (call < 3 ? refused('08006') : undefined))
  expect(await recovered(aMixedBatch([0, 1]), warehouse.recovery)).toMatchObject({ loaded: 2 })
  expect([warehouse.loaded.length, warehouse.retries()]).toEqual([1, 2])
})

test.for(['42501', '28P01', '3D000', 'XX000', '23514'])(
  'a fault for an operator (%s) is thrown at once and dead-letters nothing',
  async (code) => {
    const warehouse = aWarehouse(() => refused(code))
    await expect(recovered(aMixedBatch([0, 1]), warehouse.recovery)).rejects.toThrow(code)
    expect(warehouse.calls()).toBe(1)
  },
)

test('a batch that takes too long is halved until it does not, and nobody is dead-lettered', async () => {
  const warehouse = aWarehouse(({ batch }) => (batch.records.length > 2 ? refused('57014') : undefined))
  const outcome = await recovered(aMixedBatch([0, 1, 3, 4, 6]), warehouse.recovery)
  expect(outcome).toMatchObject({ loaded: 4, deadLettered: 1 })
  expect(warehouse.loaded.map(({ batch }) => batch.records.length)).toEqual([2, 1, 2])
})

test('a single record that takes too long is thrown, not dead-lettered', async () => {
  const warehouse = aWarehouse(() => refused('57014'))
  await expect(recovered(aMixedBatch([0, 1]), warehouse.recovery)).rejects.toThrow('57014')
  expect(warehouse.loaded).toEqual([])
})

test('a half that another worker loaded meanwhile ends the work', async () => {
  const warehouse = aWarehouse(({ batch }) => (batch.records.length === 4 ? refused('22003') : undefined))
  const recovery = {
    ...warehouse.recovery,
    load: async (half: PreparedBatch): Promise<LoadOutcome> => {
      const outcome = await warehouse.recovery.load(half)
      return half.batch.from === 0 ? { kind: 'moved' } : outcome
    },
  }
  expect(await recovered(aMixedBatch([0, 1, 2, 3]), recovery)).toEqual({ kind: 'moved' })
  expect(warehouse.loaded).toHaveLength(1)
})

test('a stop ends the waiting between two tries', async () => {
  const stop = new AbortController()
  const warehouse = aWarehouse(() => {
    stop.abort(new Error('told to stop'))
    return refused('53300')
  })
  const recovery = { ...warehouse.recovery, signal: stop.signal }
  await expect(recovered(prepared(aBatch([aRecord()])), recovery)).rejects.toThrow('told to stop')
  expect(warehouse.calls()).toBe(1)
})
