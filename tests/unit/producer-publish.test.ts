import { describe, expect, test } from 'vitest'
import { CHUNK_EVERY_MS, intervalPace, MAX_CHUNK, ratePace, type Pace } from '../../producer/pace.ts'
import { publish, systemClock, type Clock } from '../../producer/publish.ts'
import type { Message } from '../../producer/messages.ts'
import { stepsOf } from '../../producer/steps.ts'
import { openTally } from '../../producer/tally.ts'
import { stream } from '../support/stream.ts'

type FakeClock = Clock & { pass(ms: number): void }

/** Time passes only by waiting, and by the milliseconds that a send is said to take. */
function aFakeClock(): FakeClock {
  let now = 5_000
  return {
    now: () => now,
    wait: (ms) => {
      now += ms
      return Promise.resolve()
    },
    pass: (ms) => {
      now += ms
    },
  }
}

interface Setup {
  pace: Pace
  limit?: number
  sendMs?: number
  onSend?: (sends: number, clock: FakeClock) => void | Promise<void>
  invalidRatio?: number
}

/** Publishes with a fake clock; gives each send's size and time since the start. */
function publishing({ pace, limit, sendMs = 0, onSend, invalidRatio = 0 }: Setup) {
  const clock = aFakeClock()
  const start = clock.now()
  const tally = openTally([stream.name])
  const stop = new AbortController()
  const sends: { size: number; at: number }[] = []
  const kept: Message[] = []
  const done = publish({
    steps: stepsOf([stream.definition])({ seed: 1, now: () => 0, invalidRatio, duplicateRatio: 0 }),
    send: async (records) => {
      sends.push({ size: records.length, at: clock.now() - start })
      await onSend?.(sends.length, clock)
      clock.pass(sendMs)
      kept.push(...records)
    },
    pace,
    limit,
    signal: stop.signal,
    tally,
    clock,
  })
  return { done, tally: tally.streams[stream.name]!, stop, sends, kept, elapsed: () => clock.now() - start }
}

describe('at an interval', () => {
  test('sends one record at once and one after each wait', async () => {
    const waits = [1_000, 2_000, 1_500]
    const { done, sends } = publishing({ pace: intervalPace(() => waits.shift() ?? 1_000), limit: 4 })
    await done
    expect(sends.map(({ at }) => at)).toEqual([0, 1_000, 3_000, 4_500])
    expect(sends.every(({ size }) => size === 1)).toBe(true)
  })

  test('makes nothing up for a send that took long', async () => {
    const { done, sends } = publishing({ pace: intervalPace(() => 1_000), limit: 3, sendMs: 5_000 })
    await done
    expect(sends.map(({ at }) => at)).toEqual([0, 5_000, 10_000])
  })
})

describe('at a rate', () => {
  test.each([
    { rate: 1, limit: 10, seconds: 10 },
    { rate: 0.5, limit: 3, seconds: 6 },
    { rate: 7, limit: 70, seconds: 10 },
    { rate: 1_000, limit: 5_000, seconds: 5 },
    { rate: 30_000, limit: 90_000, seconds: 3 },
  ])('$rate a second are $limit in $seconds s', async ({ rate, limit, seconds }) => {
    const { done, tally, elapsed } = publishing({ pace: ratePace(rate), limit })
    await done
    expect(tally.total).toBe(limit)
    expect(Math.abs(elapsed() / 1_000 - seconds)).toBeLessThan(0.06)
  })

  test('keeps the rate although each send takes its time', async () => {
    const { done, elapsed } = publishing({ pace: ratePace(10_000), limit: 50_000, sendMs: 120 })
    await done
    expect(Math.abs(elapsed() / 1_000 - 5)).toBeLessThan(0.2)
  })

  test('bundles what is due instead of sending record by record', async () => {
    const { done, sends } = publishing({ pace: ratePace(10_000), limit: 10_000 })
    await done
    const gaps = sends.slice(1).map(({ at }, index) => at - sends[index]!.at)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(CHUNK_EVERY_MS - 1e-6)
  })

  test('never makes more than one chunk at a time, however far behind it is', async () => {
    const { done, sends } = publishing({ pace: ratePace(1_000_000), limit: 50_000, sendMs: 2_000 })
    await done
    expect(Math.max(...sends.map(({ size }) => size))).toBe(MAX_CHUNK)
  })

  test('owes at most a second’s worth after an outage', async () => {
    const { done, tally, elapsed } = publishing({
      pace: ratePace(1_000),
      limit: 10_000,
      onSend: (sends, clock) => {
        if (sends === 5) clock.pass(60_000)
      },
    })
    await done
    expect(tally.total).toBe(10_000)
    expect(elapsed()).toBeGreaterThan(60_000 + 8_900)
    expect(elapsed()).toBeLessThan(60_000 + 9_200)
  })
})

describe('the end', () => {
  test('comes exactly at the limit, also in the middle of a chunk', async () => {
    const { done, tally, kept } = publishing({ pace: ratePace(30_000), limit: 3_333 })
    await done
    expect(tally.total).toBe(3_333)
    expect(kept).toHaveLength(3_333)
    expect(tally.inDoubt).toBe(0)
  })

  test('on a stop comes after the send in hand, which counts', async () => {
    const run = publishing({
      pace: ratePace(10_000),
      onSend: (sends) => {
        if (sends === 3) run.stop.abort()
      },
    })
    await run.done
    expect(run.sends).toHaveLength(3)
    expect(run.tally.total).toBe(run.kept.length)
    expect(run.tally.inDoubt).toBe(0)
  })

  test('on a failed send leaves that chunk in doubt and counts what was acknowledged before', async () => {
    const failure = new Error('no broker')
    const run = publishing({
      pace: ratePace(10_000),
      onSend: (sends) => (sends === 3 ? Promise.reject(failure) : Promise.resolve()),
    })
    await expect(run.done).rejects.toBe(failure)
    expect(run.tally.total).toBe(run.kept.length)
    expect(run.tally.inDoubt).toBe(run.sends[2]!.size)
  })

  test('counts by kind, and the invalid ones by the rule that they break', async () => {
    const { done, tally, kept } = publishing({
      pace: ratePace(10_000),
      limit: 5_000,
      invalidRatio: 0.4,
    })
    await done
    const invalid = kept.filter(({ kind }) => kind === 'invalid')
    expect(tally.sent).toEqual({
      valid: 5_000 - invalid.length,
      duplicate: 0,
      conflicting: 0,
      invalid: invalid.length,
    })
    expect(Object.values(tally.invalidKinds).reduce((sum, count) => sum + count, 0)).toBe(invalid.length)
    expect(tally.invalidKinds['not_utf8']).toBe(invalid.filter(({ detail }) => detail === 'not_utf8').length)
  })

  test('ends a wait of the real clock at once, without an error', async () => {
    const stop = new AbortController()
    const start = performance.now()
    const waiting = systemClock.wait(60_000, stop.signal)
    stop.abort()
    await waiting
    await systemClock.wait(60_000, stop.signal)
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})
