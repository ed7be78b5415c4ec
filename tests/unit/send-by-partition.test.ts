import { expect, test } from 'vitest'
import { type OutgoingRecord, SendByPartition } from '../../etl/kafka/producer.ts'

const TOPIC = 'sales'
const PARTITIONS = 3

type Sent = OutgoingRecord & { readonly partition?: number }

/** A producer as kafkajs' is: asks its partitioner at each send, and answers for each partition. */
function aProducer(fails: (partition: number) => boolean = () => false) {
  const byPartition = new SendByPartition()
  const choose = byPartition.createPartitioner()
  const partitionMetadata = Array.from({ length: PARTITIONS }, (_, partitionId) => ({
    partitionId,
    leader: partitionId,
    partitionErrorCode: 0,
    replicas: [],
    isr: [],
  }))
  const sends: { partition: number; values: string[] }[] = []
  const send = (messages: readonly Sent[]) => {
    const partitions = messages.map((message) => choose({ topic: TOPIC, partitionMetadata, message }))
    expect(new Set(partitions).size).toBe(1)
    const [partition] = partitions as [number]
    if (fails(partition)) return Promise.reject(new Error(`partition ${partition} has no leader`))
    sends.push({ partition, values: messages.map(({ value }) => String(value)) })
    return Promise.resolve([{ topicName: TOPIC, partition, errorCode: 0 }])
  }
  return {
    sends,
    send: (records: readonly Sent[]) => byPartition.send(TOPIC, records, send as never),
  }
}

const keyed = (count: number): Sent[] =>
  Array.from({ length: count }, (_, i) => ({ key: `customer-${i}`, value: Buffer.from(String(i)) }))

test('each send is of one partition, in the order of the records, and the key decides as in kafkajs', async () => {
  const { sends, send } = aProducer()

  await send(keyed(30))
  await send(keyed(30))

  // One record goes ahead at first: with it comes how many partitions there are.
  expect(sends[0]?.values).toEqual(['0'])
  const [first, second] = [sends.slice(1, 4), sends.slice(4)]
  expect(new Set(second.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]))
  expect(first.flatMap(({ values }) => values)).toHaveLength(29)
  expect(second.flatMap(({ values }) => values)).toHaveLength(30)
  for (const { partition, values } of second) {
    expect(values.map(Number)).toEqual(values.map(Number).toSorted((a, b) => a - b))
    const before = first.find((part) => part.partition === partition)!.values
    expect(values.filter((value) => value !== '0')).toEqual(before)
  }
})

test('records that name their partition all go at once', async () => {
  const { sends, send } = aProducer()
  await send([0, 1, 0].map((partition, i) => ({ key: null, value: Buffer.from(String(i)), partition })))
  expect(sends).toEqual([
    { partition: 0, values: ['0', '2'] },
    { partition: 1, values: ['1'] },
  ])
})

test('what was stored in a send that failed is left out when the same records are sent again', async () => {
  let leaderless = 1
  const { sends, send } = aProducer((partition) => partition === leaderless)
  const records = [0, 1, 2].map((partition) => ({
    key: null,
    value: Buffer.from(`to ${partition}`),
    partition,
  }))

  await expect(send(records)).rejects.toThrow('partition 1 has no leader')
  leaderless = -1
  await send(records)
  expect(sends.flatMap(({ values }) => values)).toEqual(['to 0', 'to 1', 'to 2'])

  await send(records)
  expect(sends).toHaveLength(6)
})

test('a partition without an answer is a failure that goes by, not a success', async () => {
  const records = [{ key: null, value: null, partition: 0 }]
  await expect(new SendByPartition().send(TOPIC, records, () => Promise.resolve([]))).rejects.toMatchObject({
    retriable: true,
  })
})
