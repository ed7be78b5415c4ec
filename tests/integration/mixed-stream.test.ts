import { expect, test } from 'vitest'
import { messages, type Message } from '../../producer/messages.ts'
import { aWorld } from '../support/world.ts'

const RECORDS = 3_000

/** All of one partition, so that a duplicate comes after its original also across batches. */
test('a stream of good, bad and repeated records ends exactly as its makers know it must', async () => {
  const world = await aWorld({ partitions: 1 })
  const stream = messages({ seed: 11, now: Date.now, invalidRatio: 0.2, duplicateRatio: 0.2 })
  const sent = Array.from({ length: RECORDS }, () => stream.next().value)
  await world.produceRecords(
    sent.map(({ key, value }, offset) => ({
      key,
      value,
      partition: 0,
      headers: { trace: `trace-${offset}` },
    })),
  )

  const run = await world.runOnce({ batchSize: 170 })

  const of = (kind: Message['kind']) => sent.filter((message) => message.kind === kind)
  expect(run).toMatchObject({
    status: 'succeeded',
    consumed: RECORDS,
    loaded: of('valid').length,
    duplicate: of('duplicate').length,
    deadLettered: of('conflicting').length + of('invalid').length,
  })
  const facts = await world.facts()
  expect(facts.map(({ identity, source_offset: offset }) => [identity, offset])).toEqual(
    sent.flatMap(({ kind, detail }, offset) => (kind === 'valid' ? [[detail, offset]] : [])),
  )

  const expected = sent.flatMap(({ expectedCode: code, key, value }, offset) =>
    code === undefined ? [] : [{ offset, code, key, value }],
  )
  const letters = await world.deadLetters()
  expect(letters.map(({ offset, code }) => [offset, code])).toEqual(
    expected.map(({ offset, code }) => [offset, code]),
  )
  for (const [i, letter] of letters.entries()) {
    expect(letter.key?.toString()).toBe(expected[i]!.key)
    expect(same(letter.value, expected[i]!.value)).toBe(true)
    expect(letter.issues.length).toBeGreaterThan(0)
    expect(letter.published_at).not.toBeNull()
  }

  const published = await world.dlqMessages()
  expect(published).toHaveLength(expected.length)
  const byKey = new Map(published.map((message) => [message.key?.toString(), message]))
  for (const [i, { offset, code, key, value }] of expected.entries()) {
    const message = byKey.get(`${world.topic}:0:${offset}`)
    expect(same(message!.value, value)).toBe(true)
    const headers = Object.fromEntries(
      message!.headers.map((header) => [header.key, header.value?.toString()]),
    )
    expect(headers).toEqual({
      trace: `trace-${offset}`,
      'dlq.code': code,
      'dlq.issues': expect.any(String) as string,
      'dlq.topic': world.topic,
      'dlq.partition': '0',
      'dlq.offset': String(offset),
      'dlq.key': key,
      'dlq.batch_id': letters[i]!.batch_id,
      'dlq.time': expect.any(String) as string,
    })
    expect(JSON.parse(headers['dlq.issues']!)).toEqual(letters[i]!.issues)
    expect(Math.abs(Date.parse(headers['dlq.time']!) - letters[i]!.created_at.getTime())).toBeLessThanOrEqual(
      1,
    )
  }
  await world.assertBalanced()
})

const same = (a: Buffer | null, b: Buffer | null) => (a === null || b === null ? a === b : a.equals(b))

test('over three partitions, with duplicates in other partitions, the books balance', async () => {
  const world = await aWorld()
  const stream = messages({ seed: 12, now: Date.now, invalidRatio: 0.1, duplicateRatio: 0.3 })
  const sent = Array.from({ length: RECORDS }, () => stream.next().value)
  // Keys of their own: which of an identity's records comes first is then decided by who loads first.
  await world.produceRecords(sent.map(({ value }, i) => ({ key: `key-${i}`, value })))

  const run = await world.runOnce({ batchSize: 100 })

  expect(run).toMatchObject({ status: 'succeeded', consumed: RECORDS, partitions: 3 })
  expect(run.loaded).toBe(
    new Set(sent.filter(({ kind }) => kind !== 'invalid').map(({ detail }) => detail)).size,
  )
  expect(run.loaded + run.duplicate + run.deadLettered).toBe(RECORDS)
  await world.drained()
  await world.assertBalanced()
})
