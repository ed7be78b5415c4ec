import { expect, test } from 'vitest'
import { inSteps } from '../../etl/process/in-steps.ts'

const computeFor = (ms: number) => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('other work has its turn in between, and the results stay in order', async () => {
  let turns = 0
  const ticking = setInterval(() => (turns += 1), 1)
  const slow: number[] = []
  const results = await inSteps(
    [1, 2, 3, 4],
    (n) => {
      computeFor(60)
      return n * 10
    },
    (ms) => slow.push(ms),
  )
  clearInterval(ticking)
  expect(results).toEqual([10, 20, 30, 40])
  expect(turns).toBeGreaterThanOrEqual(3)
  expect(slow).toHaveLength(4)
  expect(Math.min(...slow)).toBeGreaterThanOrEqual(59)
})

test('what is quick is done in one go', async () => {
  let yielded = false
  const done = inSteps([1, 2, 3], (n) => n)
  setImmediate(() => (yielded = true))
  expect([await done, yielded]).toEqual([[1, 2, 3], false])
})
