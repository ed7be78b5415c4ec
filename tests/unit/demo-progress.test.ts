import { expect, test } from 'vitest'
import { untilDrained, type Lag } from '../../scripts/demo/story.ts'

/** Answers one after the other, the last one for ever. */
function reading(...answers: readonly (Lag | Error)[]): () => Promise<Lag> {
  let next = 0
  return () => {
    const answer = answers[Math.min(next++, answers.length - 1)]!
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  }
}
const lag = (records: number, stopped: readonly string[] = []): Lag => ({ records, stopped })

test('the wait for the last record ends when there is none left', async () => {
  expect(await untilDrained(reading(lag(7), new Error('away'), lag(0)), 10_000, 1)).toBeUndefined()
})

test('a partition that stands still is not waited for', async () => {
  expect(await untilDrained(reading(lag(7, ['partition 1: mass rejection'])), 10_000)).toBe(
    '7 records are not loaded: the ETL has stopped partition 1: mass rejection',
  )
})

test.each([
  [lag(7), '7 records are not loaded, and nothing has changed for 0 s'],
  [new Error('no broker'), 'the lag can’t be read: no broker, and nothing has changed for 0 s'],
])('patience ends where nothing moves', async (answer, problem) => {
  expect(await untilDrained(reading(answer), 0)).toBe(problem)
})
