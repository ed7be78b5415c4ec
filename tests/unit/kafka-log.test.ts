import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { createKafka } from '../../etl/kafka/client.ts'

/** What kafkajs reports again and again is a warning every half a minute, and a debug line between. */

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

function aLogger() {
  const levels: number[] = []
  const logger = pino(
    { level: 'debug' },
    { write: (line: string) => void levels.push((JSON.parse(line) as { level: number }).level) },
  )
  const config = readConfig(['kafka'], { KAFKA_BROKERS: 'b:9092' })
  return { levels, kafka: createKafka(config, logger, 'test').logger() }
}

test('a line that repeats but for numbers is told once, and again after half a minute', () => {
  const { levels, kafka } = aLogger()
  kafka.error('Restarting the consumer in 300ms')
  kafka.error('Restarting the consumer in 600ms')
  vi.advanceTimersByTime(29_000)
  kafka.error('Restarting the consumer in 900ms')
  vi.advanceTimersByTime(1_000)
  kafka.error('Restarting the consumer in 900ms')
  expect(levels).toEqual([40, 20, 20, 40])
})

test('another line is told at once', () => {
  const { levels, kafka } = aLogger()
  kafka.error('Connection timeout')
  kafka.warn('Crash')
  kafka.info('Starting')
  expect(levels).toEqual([40, 40, 20])
})
