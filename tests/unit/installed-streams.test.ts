import { expect, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { chosenStreams, installedStreams } from '../../etl/stream/installed.ts'
import { parcels } from '../support/streams/parcels.ts'
import { visits } from '../support/streams/visits.ts'

const streams = [parcels, visits]

function installed(env: Readonly<Record<string, string>>) {
  const all = { KAFKA_BROKERS: 'k:1', DATABASE_URL: 'postgres://u@h/d', ...env }
  const config = readConfig(['kafka', 'topics', 'database', 'etl', 'housekeeping'], all)
  return installedStreams(config, streams, all)
}

const ofEach = (
  env: Readonly<Record<string, string>>,
  name: keyof ReturnType<typeof installed>[number]['config'],
) => installed(env).map(({ config }) => config[name])

test('each has a topic by its name, a group of its own, and what is set for all', () => {
  expect(ofEach({}, 'KAFKA_TOPIC')).toEqual(['parcels', 'visits'])
  expect(ofEach({}, 'KAFKA_DLQ_TOPIC')).toEqual(['parcels.dlq', 'visits.dlq'])
  expect(ofEach({}, 'KAFKA_GROUP_ID')).toEqual(['etl-consumer', 'etl-consumer.visits'])
  expect(ofEach({ ETL_SCHEDULE: '* * * * * *' }, 'ETL_SCHEDULE')).toEqual(['* * * * * *', '* * * * * *'])
  expect(ofEach({ TOPIC_REPLICATION: '3' }, 'TOPIC_REPLICATION')).toEqual([3, 3])
})

test('the variables without a stream’s name speak of the first', () => {
  const env = {
    KAFKA_TOPIC: 'old',
    KAFKA_DLQ_TOPIC: 'dead',
    KAFKA_GROUP_ID: 'g',
    TOPIC_PARTITIONS: '6',
    RETENTION_DAYS: '90',
  }
  expect(ofEach(env, 'KAFKA_TOPIC')).toEqual(['old', 'visits'])
  expect(ofEach(env, 'KAFKA_DLQ_TOPIC')).toEqual(['dead', 'visits.dlq'])
  expect(ofEach(env, 'KAFKA_GROUP_ID')).toEqual(['g', 'g.visits'])
  expect(ofEach(env, 'TOPIC_PARTITIONS')).toEqual([6, 3])
  expect(ofEach(env, 'RETENTION_DAYS')).toEqual([90, undefined])
})

test('those with its name speak of it', () => {
  const env = {
    STREAM_VISITS_TOPIC: 'shop.visits',
    STREAM_VISITS_PARTITIONS: '12',
    STREAM_VISITS_REPLICATION: '2',
    STREAM_VISITS_SCHEDULE: '0 * * * * *',
    STREAM_PARCELS_DLQ_TOPIC: 'dead',
  }
  expect(ofEach(env, 'KAFKA_TOPIC')).toEqual(['parcels', 'shop.visits'])
  expect(ofEach(env, 'KAFKA_DLQ_TOPIC')).toEqual(['dead', 'shop.visits.dlq'])
  expect(ofEach(env, 'TOPIC_PARTITIONS')).toEqual([3, 12])
  expect(ofEach(env, 'TOPIC_REPLICATION')).toEqual([1, 2])
  expect(ofEach(env, 'ETL_SCHEDULE')).toEqual(['*/30 * * * * *', '0 * * * * *'])
})

test.for([
  [
    'a stream that is not there',
    { STREAM_VISIT_TOPIC: 'x' },
    'STREAM_VISIT_TOPIC is no setting of a stream; there are',
  ],
  [
    'a setting that is not there',
    { STREAM_VISITS_MAX_AGE: '9' },
    'STREAM_VISITS_MAX_AGE is no setting of a stream',
  ],
  ['a bad value', { STREAM_VISITS_PARTITIONS: 'many' }, 'STREAM_VISITS_PARTITIONS "many" is'],
  [
    'one topic for two',
    { STREAM_VISITS_TOPIC: 'parcels' },
    'the topic parcels of the stream visits is also that of parcels',
  ],
  ['dead letters into a topic', { STREAM_VISITS_DLQ_TOPIC: 'visits' }, 'they would be read as records'],
] as const)('%s is refused', ([, env, words]) => {
  expect(() => installed({ ...env })).toThrow(words)
})

const names = (list?: readonly string[]) =>
  chosenStreams(installed({}), list, 'STREAMS').map(({ definition }) => definition.name)

test('a program works on all, or on those that are named', () => {
  expect(names()).toEqual(['parcels', 'visits'])
  expect(names(['visits'])).toEqual(['visits'])
  expect(() => names(['visit'])).toThrow('STREAMS names visit; the streams are parcels, visits')
})
