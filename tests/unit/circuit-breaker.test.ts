import { expect, test } from 'vitest'
import { tooManyRejected } from '../../etl/job/circuit-breaker.ts'

const none = { consumed: 0, deadLettered: 0 }

test.for([
  { what: '19 of 19 prove nothing', batch: [19, 19], before: [0, 0], stops: false },
  { what: '20 of 20 stop', batch: [20, 20], before: [0, 0], stops: true },
  { what: 'a half is accepted', batch: [20, 10], before: [0, 0], stops: false },
  { what: 'one more than a half stops', batch: [20, 11], before: [0, 0], stops: true },
  { what: 'batches before count: 7 after 14', batch: [7, 7], before: [14, 14], stops: true },
  { what: 'batches before count: 6 after 13', batch: [6, 6], before: [13, 13], stops: false },
  { what: 'good ones before outweigh it', batch: [50, 50], before: [150, 0], stops: false },
  { what: 'bad ones before weigh in', batch: [50, 1], before: [150, 150], stops: true },
])('$what', ({ batch, before, stops }) => {
  const reason = tooManyRejected(
    { consumed: batch[0]!, rejected: batch[1]! },
    { consumed: before[0]!, deadLettered: before[1]! },
    0.5,
  )
  expect(reason !== undefined).toBe(stops)
})

test('the sentence has the numbers that an operator needs', () => {
  expect(tooManyRejected({ consumed: 30, rejected: 30 }, { consumed: 10, deadLettered: 1 }, 0.25)).toBe(
    '31 of the last 40 records would be dead letters, more than the share of 0.25 that is accepted',
  )
})

test('a ratio of 1 accepts everything, a ratio of 0 nothing', () => {
  expect(tooManyRejected({ consumed: 1_000, rejected: 1_000 }, none, 1)).toBeUndefined()
  expect(tooManyRejected({ consumed: 1_000, rejected: 1 }, none, 0)).toBeDefined()
  expect(tooManyRejected({ consumed: 1_000, rejected: 0 }, none, 0)).toBeUndefined()
})
