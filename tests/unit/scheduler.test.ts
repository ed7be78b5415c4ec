import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Scheduler } from '../../etl/job/scheduler.ts'
import type { DrainKind } from '../../etl/ledger/runs.ts'

const START = Date.parse('2026-11-21T10:00:00Z')
const schedulers: Scheduler[] = []

beforeEach(
  () => void vi.useFakeTimers({ now: START, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }),
)
afterEach(async () => {
  for (const scheduler of schedulers.splice(0)) void scheduler.stop()
  await vi.advanceTimersByTimeAsync(0)
  vi.useRealTimers()
})

const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1_000)

/** A scheduler whose runs end when the test says so. */
function aScheduler(expression = '*/30 * * * * *') {
  const runs: DrainKind[] = []
  let running = 0
  let most = 0
  let end: ((error?: Error) => void) | undefined
  const lines: string[] = []
  const scheduler = new Scheduler({
    expression,
    logger: pino({}, { write: (line) => void lines.push(line) }),
    run: async (kind) => {
      runs.push(kind)
      most = Math.max(most, ++running)
      await new Promise<void>((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error))
      })
      running -= 1
    },
  })
  schedulers.push(scheduler)
  const endRun = async (error?: Error) => {
    end?.(error)
    if (error !== undefined) running -= 1
    await vi.advanceTimersByTimeAsync(0)
  }
  return { scheduler, runs, endRun, mostAtOnce: () => most, lines }
}

test('it runs by the clock, at each time that the expression names', async () => {
  const { scheduler, runs, endRun } = aScheduler()
  scheduler.start()
  await seconds(29)
  expect(runs).toEqual([])
  await seconds(2)
  expect(runs).toEqual(['tick'])
  await endRun()
  await seconds(30)
  expect(runs).toEqual(['tick', 'tick'])
})

test('a run that is triggered takes the same path, at once', () => {
  const { scheduler, runs } = aScheduler()
  scheduler.trigger('manual')
  expect(runs).toEqual(['manual'])
  expect(scheduler.isRunning).toBe(true)
})

test('runs never overlap, and what fell due meanwhile, however often, is one run right after', async () => {
  const { scheduler, runs, endRun, mostAtOnce } = aScheduler()
  scheduler.start()
  await seconds(31)
  await seconds(200)
  scheduler.trigger('manual')
  expect(runs).toEqual(['tick'])
  await endRun()
  expect(runs).toEqual(['tick', 'manual'])
  await endRun()
  expect(scheduler.isRunning).toBe(false)
  expect(runs).toHaveLength(2)
  expect(mostAtOnce()).toBe(1)
})

test('a trigger in the very moment in which a run begins or ends is neither lost nor run beside it', async () => {
  // Step by step through the microtasks that end a run.
  for (let steps = 0; steps < 10; steps++) {
    const runs: DrainKind[] = []
    let running = 0
    const scheduler: Scheduler = new Scheduler({
      expression: '0 0 1 1 *',
      logger: pino({ level: 'silent' }),
      run: async (kind) => {
        expect(++running).toBe(1)
        if (runs.push(kind) === 1) triggerAfter(steps)
        await Promise.resolve()
        running -= 1
      },
    })
    schedulers.push(scheduler)
    const triggerAfter = (n: number): void => {
      if (n === 0) scheduler.trigger('manual')
      else void Promise.resolve().then(() => triggerAfter(n - 1))
    }
    scheduler.trigger('tick')
    await vi.advanceTimersByTimeAsync(0)
    expect(runs).toEqual(['tick', 'manual'])
    expect(scheduler.isRunning).toBe(false)
  }
})

test('a tick that the clock missed is made by the watchdog', async () => {
  const { scheduler, runs, endRun } = aScheduler()
  scheduler.start()
  await seconds(31)
  await endRun()
  // The machine's clock is set back by an hour: node-cron waits for the old time, the watchdog does not.
  vi.setSystemTime(START - 3_600_000)
  await seconds(35)
  expect(runs.length).toBeGreaterThanOrEqual(2)
})

test('a run that throws is reported, and the next tick is made', async () => {
  const { scheduler, runs, endRun, lines } = aScheduler()
  scheduler.start()
  await seconds(31)
  await endRun(new Error('out of reach'))
  expect(lines.join()).toContain('out of reach')
  await seconds(30)
  expect(runs).toHaveLength(2)
})

test('a stop waits for the run under way and starts no other', async () => {
  const { scheduler, runs, endRun } = aScheduler()
  scheduler.start()
  await seconds(31)
  scheduler.trigger('manual')
  let stopped = false
  void scheduler.stop().then(() => (stopped = true))
  await seconds(100)
  expect(stopped).toBe(false)
  await endRun()
  expect(stopped).toBe(true)
  scheduler.trigger('manual')
  await seconds(100)
  expect(runs).toEqual(['tick'])
})

test('it may be stopped twice, and before it was started', async () => {
  const { scheduler } = aScheduler()
  await scheduler.stop()
  await scheduler.stop()
  expect(scheduler.isRunning).toBe(false)
})

test('the age of the last attempt goes by the monotonic clock', async () => {
  const { scheduler, endRun } = aScheduler()
  scheduler.trigger('manual')
  await endRun()
  await seconds(12)
  vi.setSystemTime(START + 86_400_000)
  expect(scheduler.sinceAttempt).toBeCloseTo(12_000, -2)
})

test.for([
  ['*/30 * * * * *', 30_000],
  ['0 */5 * * * *', 300_000],
  ['0 0 1 1 *', 365 * 86_400_000],
] as const)('the interval of %s is %d ms', ([expression, interval]) => {
  expect(aScheduler(expression).scheduler.interval).toBe(interval)
})
