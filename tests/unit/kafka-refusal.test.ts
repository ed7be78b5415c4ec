import { expect, test } from 'vitest'
import { createErrorFromCode } from '../../etl/kafka/internals.ts'
import { asRefusal, KafkaRefused, KafkaUnclear, withRight } from '../../etl/kafka/errors.ts'

const TOPIC_AUTHORIZATION_FAILED = 29
const NOT_LEADER = 6

test('a right that is missing is named, also through what wraps it', async () => {
  const denied = () => Promise.reject(createErrorFromCode(TOPIC_AUTHORIZATION_FAILED))
  const inner = withRight('Create on topic sales', denied)
  await expect(withRight('Describe on topic sales', () => inner)).rejects.toThrow(
    'the ACL Create on topic sales',
  )
  const wrapped = new Error('gave up', { cause: createErrorFromCode(TOPIC_AUTHORIZATION_FAILED) })
  expect(asRefusal(wrapped, 'Read on topic sales')).toBeInstanceOf(KafkaRefused)
})

test('what may go by is not taken for a refusal', () => {
  const moved = createErrorFromCode(NOT_LEADER)
  expect(asRefusal(moved)).toBe(moved)
  const lost = Object.assign(new Error('Closed connection'), { name: 'KafkaJSConnectionClosedError' })
  expect(asRefusal(lost)).toBeInstanceOf(KafkaUnclear)
  expect(asRefusal('no error')).toBe('no error')
})
