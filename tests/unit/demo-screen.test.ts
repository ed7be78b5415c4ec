import { expect, test } from 'vitest'
import {
  oneLine,
  openScreen,
  readLogLine,
  table,
  thousands,
  WARN,
  wrapped,
} from '../../scripts/demo/screen.ts'

/** Noon on a day, local time, as a program logs it. */
const time = new Date(2026, 10, 21, 12, 0, 5).toISOString()
const RUN = {
  run_id: 3,
  status: 'succeeded',
  consumed: 1_024,
  loaded: 981,
  duplicate: 17,
  deadLettered: 26,
  duration_ms: 214,
  retries: 0,
  stopped: 0,
}

async function shown(
  lines: readonly (object | string)[],
  lag: () => Promise<number> = () => Promise.resolve(0),
) {
  const said: string[] = []
  const screen = openScreen((line) => said.push(line))
  for (const line of lines) {
    const text = typeof line === 'string' ? line : JSON.stringify({ level: 30, time, ...line })
    screen.show(readLogLine('ETL', text, WARN), lag)
  }
  await screen.shown()
  return said
}

test('a run is one line that a terminal shows in one row', async () => {
  const [line, ...more] = await shown([{ msg: 'run', ...RUN }], () => Promise.resolve(1_030))
  expect(line).toBe(
    '12:00:05  run  3  1,024 consumed =   981 loaded + 17 duplicate + 26 dead-lettered  0.21 s  lag 1,030',
  )
  expect(more).toEqual([])
})

test('a run that failed says why, one with stopped partitions how many, and a lag that can’t be read is unknown', async () => {
  const lines = await shown(
    [{ ...RUN, level: 50, msg: 'run failed', error: 'partition 1: broken', stopped: 2 }],
    () => Promise.reject(new Error('away')),
  )
  expect(lines.join('\n')).toMatch(
    /run {2}3 .* lag \?\n {10}failed: partition 1: broken\n {10}partitions that stand still: 2$/,
  )
})

test('lines come in their order, also when the lag takes longer for one of them', async () => {
  const { promise, resolve } = Promise.withResolvers<number>()
  const lines = shown(
    [
      { msg: 'run', ...RUN },
      { level: 40, msg: 'slow disk' },
    ],
    () => promise,
  )
  resolve(7)
  expect((await lines).map((line) => line.slice(10, 22))).toEqual(['run  3  1,02', 'ETL warning:'])
})

test('of other lines only warnings and failures are shown, with their reason', async () => {
  expect(
    await shown([
      { msg: 'joined the group' },
      { level: 40, msg: 'waiting for Kafka', reason: 'no broker' },
      { level: 60, msg: 'gave up', err: { message: 'no patience' } },
    ]),
  ).toEqual([
    '12:00:05  ETL warning: waiting for Kafka: no broker',
    '12:00:05  ETL failure: gave up: no patience',
  ])
})

test('what a program says without its logger is shown', async () => {
  const [line] = await shown(['Configuration: BATCH_SIZE is wrong'])
  expect(line).toMatch(/^\d\d:\d\d:\d\d {2}ETL warning: Configuration: BATCH_SIZE is wrong$/)
})

test('a trouble that repeats itself is shown three times', async () => {
  const lines = await shown(Array.from({ length: 9 }, () => ({ level: 40, msg: 'Connection error' })))
  expect(lines).toHaveLength(3)
  expect(lines[2]).toContain('(not shown again)')
})

test('what the demo itself brings about is no news', async () => {
  expect(
    await shown([
      { level: 40, msg: 'DATABASE_URL logs in as a superuser: a member of pulse_loader is enough' },
      { level: 40, kafka: 'Connection', msg: 'Response …', error: 'The group coordinator is not available' },
    ]),
  ).toEqual([])
})

test.each([
  ['0.00', '0.00'],
  ['999.10', '999.10'],
  ['1000', '1,000'],
  ['12345678901234567890.05', '12,345,678,901,234,567,890.05'],
  [1_234_567, '1,234,567'],
])('%s in thousands is %s', (value, text) => {
  expect(thousands(value)).toBe(text)
})

test('columns of numbers end below each other, columns of words begin so', () => {
  expect(
    table([
      ['currency', 'revenue', 'what'],
      ['USD', '1,234.50', 'a'],
      ['EUR', '9.00', ''],
    ]),
  ).toEqual(['  currency   revenue  what', '  USD       1,234.50  a', '  EUR           9.00'])
})

test('a line from elsewhere can neither break out of its row nor command the terminal', () => {
  expect(oneLine('a\nb\u001b[2J')).toBe(String.raw`a b\u001b[2J`)
  expect(oneLine('x'.repeat(200))).toHaveLength(98)
})

test('a long text is broken between words', () => {
  expect(wrapped('one two three', '  ', 8)).toBe('one two\n  three')
})
