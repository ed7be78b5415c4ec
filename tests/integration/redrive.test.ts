import { expect, test } from 'vitest'
import type { OutgoingRecord } from '../../etl/kafka/producer.ts'
import { askForRedrive as ask, openBackground, redrive } from '../support/background.ts'
import { aBrokenMessage, asStored, broken, identityOf, mended } from '../support/messages.ts'
import { aLiveMessage, aWorld, readWholeTopic, type World } from '../support/world.ts'

const bytes = (message: object) => Buffer.from(JSON.stringify(message))

/** A world with the dead letters of these messages. */
async function aWorldOfDeadLetters(...messages: (object | string | null)[]) {
  const world = await aWorld({ partitions: 1 })
  await world.produce(messages)
  await world.runOnce({ deadLetterMaxRatio: 1 })
  return { world, letters: await world.deadLetters() }
}

test('a corrected record is loaded, and its dead letter is resolved and names the batch', async () => {
  const bad = aBrokenMessage()
  const good = mended(bad)
  const { world, letters } = await aWorldOfDeadLetters(bad)
  const id = letters[0]!.id

  const { action, run } = await redrive(world, { ids: [id] }, { value: bytes(good), expectedCount: 1 })

  expect(action).toMatchObject({
    action: 'redrive',
    requestedBy: 'ada',
    via: 'pulse',
    target: { ids: [id], throughId: id },
    total: 1,
    done: 1,
    result: { sent: 1, skipped: {}, tooLarge: [] },
  })
  expect(run).toMatchObject({ consumed: 1, loaded: 1 })
  expect(await world.facts()).toMatchObject([
    { identity: identityOf(good), ...asStored(good), source_offset: 1 },
  ])
  expect(await world.deadLetters()).toMatchObject([
    {
      id,
      attempts: 0,
      resolution: `loaded in ${world.topic}:0:1-1`,
      resolved_at: expect.any(Date) as Date,
      redriven_at: null,
    },
  ])
  await world.assertBalanced()
})

test('one that fails again is a new dead letter that points to the first; the latest attempt is what is sent', async () => {
  const { world, letters } = await aWorldOfDeadLetters('{')
  const first = `${world.topic}:0:0`

  await redrive(world, { ids: [letters[0]!.id] })
  expect(await world.deadLetters()).toMatchObject([
    { offset: 0, attempts: 1, redrive_of: null, resolved_at: null, redriven_at: null },
    { offset: 1, attempts: 0, redrive_of: first, resolved_at: null, redriven_at: null },
  ])

  // In bulk the first one is passed over: its latest attempt stands for it. By its number it is refused.
  await expect(ask(world, { ids: [letters[0]!.id] })).rejects.toThrow('redrive its latest attempt')
  const { action } = await redrive(world, {})
  expect(action.result).toEqual({ sent: 1, skipped: { later_attempt: 1 }, tooLarge: [] })
  const again = await world.deadLetters()
  expect(again).toMatchObject([
    { offset: 0, attempts: 2, resolved_at: null },
    { offset: 1, resolution: `superseded by ${first.replace(/0$/, '2')}` },
    { offset: 2, redrive_of: first, resolved_at: null },
  ])

  await redrive(world, { ids: [again[2]!.id] }, { value: bytes(aLiveMessage()) })
  const resolution = `loaded in ${world.topic}:0:3-3`
  expect((await world.deadLetters()).map((letter) => letter.resolution)).toEqual([
    resolution,
    expect.stringContaining('superseded'),
    resolution,
  ])
  await world.assertBalanced()
})

test('redriven twice it is loaded once: the second copy is a duplicate and changes nothing', async () => {
  const { world, letters } = await aWorldOfDeadLetters('{')
  const lane = await openBackground(world)
  const value = bytes(aLiveMessage())
  for (let i = 0; i < 2; i++) await lane.until(await ask(world, { ids: [letters[0]!.id] }, { value }))
  expect(await world.deadLetters()).toMatchObject([{ redriven_at: expect.any(Date) as Date }])

  expect(await world.runOnce()).toMatchObject({ consumed: 2, loaded: 1, duplicate: 1, deadLettered: 0 })

  expect(await world.deadLetters()).toMatchObject([
    {
      attempts: 0,
      redriven_at: null,
      resolution: expect.stringMatching(/^(loaded|duplicate) in /) as string,
    },
  ])
  await expect(ask(world, { ids: [letters[0]!.id] }, { value })).rejects.toThrow('is resolved: ')
  await world.assertBalanced()
})

test('a record whose fact is there by now is a duplicate, which resolves its dead letter', async () => {
  const good = aLiveMessage()
  const { world, letters } = await aWorldOfDeadLetters({ ...good, ...broken() })
  await world.produce([good])
  await world.runOnce()

  await redrive(world, { ids: [letters[0]!.id] }, { value: bytes(good) })

  expect(await world.deadLetters()).toMatchObject([{ resolution: `duplicate in ${world.topic}:0:2-2` }])
  await world.assertBalanced()
})

test('bytes stay what they were: keys, values and headers, null, empty, binary and repeated', async () => {
  const world = await aWorld({ partitions: 1 })
  const binary = Buffer.from([0xff, 0x00, 0xfe, 0x0a])
  const records: OutgoingRecord[] = [
    { key: null, value: null },
    { key: Buffer.alloc(0), value: Buffer.alloc(0) },
    { key: binary, value: binary, headers: { trace: [binary, Buffer.from('2')], empty: Buffer.alloc(0) } },
    {
      key: 'a\0b',
      value: Buffer.from('{'),
      headers: { 'a\0b': binary, ['__proto__']: 'x', 'redrive-of': 'forged:0:1' },
    },
  ]
  await world.produceRecords(records)
  await world.runOnce()

  await redrive(world, {})

  const log = (await readWholeTopic(world.kafka, world.topic)).map(({ key, value, headers }) => ({
    key,
    value,
    headers: headers.filter(({ key: name }) => name !== 'redrive-of'),
    redriveOf: headers.filter(({ key: name }) => name === 'redrive-of').map((header) => String(header.value)),
  }))
  expect(log.slice(4)).toEqual(
    log.slice(0, 4).map((record, n) => ({ ...record, redriveOf: [`${world.topic}:0:${n}`] })),
  )
  expect((await world.deadLetters()).map(({ redrive_of }) => redrive_of)).toEqual([
    ...Array<null>(4).fill(null),
    ...[0, 1, 2, 3].map((n) => `${world.topic}:0:${n}`),
  ])
  await world.assertBalanced()
})

test('a header that names nothing that we have changes nothing, whatever it says', async () => {
  const { world } = await aWorldOfDeadLetters('{')
  const forged = [
    `${world.topic}:0:7`,
    `${world.topic}:0:00`,
    `${world.topic}:9999999999:0`,
    `${world.topic}:0:9999999999999999999`,
    `${world.topic}:0:0:1`,
    `${world.topic}:0:0:2`,
    `'; drop table audit.dead_letters; --`,
    '\u001b',
    '',
  ]
  await world.produceRecords(
    forged.flatMap((text) => [
      { key: null, value: bytes(aLiveMessage()), headers: { 'redrive-of': text } },
      { key: null, value: Buffer.from('{'), headers: { 'redrive-of': text } },
    ]),
  )

  expect(await world.runOnce()).toMatchObject({ loaded: forged.length, deadLettered: forged.length })

  const [first, ...rest] = await world.deadLetters()
  expect(first).toMatchObject({ attempts: 0, resolved_at: null, redriven_at: null })
  expect(new Set(rest.map(({ redrive_of }) => redrive_of))).toEqual(new Set([null]))
  await world.assertBalanced()
})

test('what makes no sense is refused with the reason, and nothing is asked for', async () => {
  const { world, letters } = await aWorldOfDeadLetters('{', '[')
  const value = bytes(aLiveMessage())
  const [one] = letters
  await expect(ask(world, { ids: [999] })).rejects.toThrow('There is no dead letter 999.')
  await expect(ask(world, { code: 'undecodable' })).rejects.toThrow('nothing to do')
  await expect(ask(world, {}, { expectedCount: 3 })).rejects.toThrow('2 dead letters match now, not 3')
  await expect(ask(world, {}, { value })).rejects.toThrow('exactly one dead letter')
  await expect(ask(world, { state: 'all' })).rejects.toThrow('Only open')
  await expect(ask(world, { ids: [one!.id] }, { topic: 'another' })).rejects.toThrow(
    'of another topic than another',
  )
  await expect(ask(world, { ids: [one!.id] }, { value: Buffer.alloc(9_000_000) })).rejects.toThrow(
    '9000000 bytes',
  )
  await world.pool.query(`update audit.dead_letters set code = 'undecodable' where id = $1`, [one!.id])
  await expect(ask(world, { ids: [one!.id] })).rejects.toThrow('could not be decoded')
  const { rows } = await world.pool.query('select count(*)::int as n from audit.operator_actions')
  expect(rows).toEqual([{ n: 0 }])

  // In bulk they are passed over and counted; corrected, it can be sent.
  const { action } = await redrive(world, {})
  expect(action.result).toEqual({ sent: 1, skipped: { undecodable: 1 }, tooLarge: [] })
  const corrected = await redrive(world, { ids: [one!.id] }, { value })
  expect(corrected.run).toMatchObject({ loaded: 1 })
})

test('a record that the topic takes no more is reported, and the others go on', async () => {
  const { world } = await aWorldOfDeadLetters('{', 'x'.repeat(3_000), '[', '"')
  await limitRecords(world, 2_000)

  const { action } = await redrive(world, {})

  expect(action.result).toEqual({
    sent: 3,
    skipped: { too_large: 1 },
    tooLarge: [(await world.deadLetters())[1]!.id],
  })
  await world.assertBalanced()
})

/** From now on the topic takes record batches of so many bytes. */
async function limitRecords(world: World, max: number): Promise<void> {
  const admin = world.kafka.admin()
  await admin.connect()
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      { type: 2, name: world.topic, configEntries: [{ name: 'max.message.bytes', value: String(max) }] },
    ],
  })
  await admin.disconnect()
}
