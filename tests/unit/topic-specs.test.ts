import { expect, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { topicSpecs } from '../../scripts/topics.ts'
import { goods } from '../support/goods/goods.ts'
import { visits } from '../support/streams/visits.ts'

const config = readConfig(['kafka', 'topics'], { KAFKA_BROKERS: 'localhost:9092', TOPIC_PARTITIONS: '5' })

/** What is made of a topic: partitions, how long it keeps records, whether it is compacted. */
function made(stream: Parameters<typeof topicSpecs>[1]) {
  const [{ partitions, settings }] = topicSpecs(config, stream) as [ReturnType<typeof topicSpecs>[0]]
  return [partitions, settings['retention.ms'], settings['cleanup.policy']]
}

test.for<[string, Parameters<typeof topicSpecs>[1], unknown[]]>([
  ['nothing is declared', visits, [5, '604800000', undefined]],
  [
    'retention is declared',
    { ...visits, topic: { key: 'session', retention: '3 days' } },
    [5, '259200000', undefined],
  ],
  [
    'it is kept for ever',
    { ...visits, topic: { key: 'session', retention: 'forever' } },
    [5, '-1', undefined],
  ],
  ['versions are kept for ever unless told', goods, [5, '-1', undefined]],
  ['it is compacted', { ...goods, topic: { key: 'product_id', compact: true } }, [5, '-1', 'compact']],
])('the topic, where %s', ([, stream, expected]) => {
  expect(made(stream)).toEqual(expected)
})
