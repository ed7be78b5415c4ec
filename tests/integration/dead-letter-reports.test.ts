import { expect, test } from 'vitest'
import { readDeadLetter } from '../../etl/dead-letters/letter.ts'
import { countDeadLetters, groupDeadLetters, listDeadLetters } from '../../etl/dead-letters/list.ts'
import type { DeadLetterFilter } from '../../etl/dead-letters/filter.ts'
import { ADA, askForRedrive, lettersOf, openBackground, redrive } from '../support/background.ts'
import { requestDismiss } from '../../etl/dead-letters/dismiss.ts'
import { aBrokenMessage, aTwiceBrokenMessage, issuesOf, marked, roles } from '../support/messages.ts'
import { aWorld } from '../support/world.ts'

const INJECTION = `%' or 1=1; --\\`

/** Offsets 0 to 4: two that are no JSON, two with a wrong value, one with two faults; the last on partition 1. */
async function aWorldOfFailures() {
  const world = await aWorld({ partitions: 2 })
  const key = Buffer.from([0xff, 0x00])
  await world.produceRecords([
    { partition: 0, key: 'k-é', value: Buffer.from('{"name": "Zoë"') },
    { partition: 0, key, value: Buffer.concat([Buffer.from([0xfe, 0x00]), Buffer.from(INJECTION)]) },
    ...[1, 2].map((n) => ({
      partition: 0,
      key: null,
      value: Buffer.from(JSON.stringify(aBrokenMessage(marked('customer-17'), n))),
    })),
    {
      partition: 1,
      key: null,
      value: Buffer.from(JSON.stringify(aTwiceBrokenMessage())),
    },
  ])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const found = async (filter: Partial<DeadLetterFilter>) =>
    (await listDeadLetters(world.pool, world.stream.name, lettersOf(filter), { limit: 100 })).map(
      ({ partition, offset }) => `${partition}:${offset}`,
    )
  return { world, found }
}

test('groups say how many failed alike, since when, and what the latest is about', async () => {
  const { world } = await aWorldOfFailures()
  const letters = await world.deadLetters()
  const groups = await groupDeadLetters(world.pool, world.stream.name, lettersOf({}))
  expect(groups).toMatchObject([
    {
      failure: `schema_violation ${roles.other}`,
      code: 'schema_violation',
      field: roles.other,
      count: 3,
      waiting: 0,
    },
    { failure: 'malformed_json', code: 'malformed_json', field: '', count: 2, waiting: 0 },
  ])
  expect(groups[1]).toMatchObject({
    firstAt: letters[0]!.created_at,
    sample: { id: letters[1]!.id, message: letters[1]!.issues[0]!.message },
  })

  const lane = await openBackground(world)
  await lane.until(await askForRedrive(world, { failure: 'malformed_json' }))
  await lane.until(
    await requestDismiss(world.pool, ADA, lettersOf({ ids: [letters[2]!.id] }), 'INC-42', {
      stream: world.stream.name,
    }),
  )
  expect(await groupDeadLetters(world.pool, world.stream.name, lettersOf({}))).toMatchObject([
    { failure: 'malformed_json', count: 2, waiting: 2 },
    { failure: `schema_violation ${roles.other}`, count: 2 },
  ])
  expect(
    await groupDeadLetters(world.pool, world.stream.name, lettersOf({ state: 'resolved' })),
  ).toMatchObject([{ count: 1 }])
})

test('each part of a filter narrows, and a search finds bytes, messages, batches and origins, and nothing else', async () => {
  const { world, found } = await aWorldOfFailures()
  const [first] = await world.deadLetters()
  await world.pool.query(`update audit.dead_letters set created_at = '2026-01-01' where id = $1`, [first!.id])
  expect(new Set(await found({}))).toEqual(new Set(['0:0', '0:1', '0:2', '0:3', '1:0']))
  expect(await found({ ids: [first!.id] })).toEqual(['0:0'])
  expect(await found({ code: 'malformed_json' })).toEqual(['0:1', '0:0'])
  expect(await found({ failure: `schema_violation ${roles.other}`, partition: 0 })).toEqual(['0:3', '0:2'])
  expect(await found({ partition: 1 })).toEqual(['1:0'])
  expect(await found({ until: '2026-01-01T00:00:01Z' })).toEqual(['0:0'])
  expect(await found({ since: '2026-01-01T00:00:01Z', code: 'malformed_json' })).toEqual(['0:1'])
  expect(await found({ state: 'resolved' })).toEqual([])

  expect(await found({ text: 'Zoë' })).toEqual(['0:0'])
  expect(await found({ text: 'k-é' })).toEqual(['0:0'])
  expect(await found({ text: INJECTION })).toEqual(['0:1'])
  expect(await found({ text: 'customer-17' })).toEqual(['0:3', '0:2'])
  expect(await found({ text: issuesOf(aBrokenMessage({}, 2))[0]! })).toEqual(['0:3'])
  expect(await found({ text: `${world.topic}:0:3` })).toContain('0:3')
  expect(await found({ text: `${world.topic}:1:0-0` })).toEqual(['1:0'])
  expect(await found({ text: '_' })).not.toContain('0:0')
  expect(await found({ text: 'nothing holds this' })).toEqual([])
  expect(await countDeadLetters(world.pool, world.stream.name, lettersOf({ text: 'customer-17' }))).toBe(2)
})

test('a list is paged from the newest on, without a gap or a repeat', async () => {
  const { world } = await aWorldOfFailures()
  const pages: number[][] = []
  for (let before: number | undefined; ;) {
    const page = await listDeadLetters(world.pool, world.stream.name, lettersOf({}), { limit: 2, before })
    if (page.length === 0) break
    pages.push(page.map(({ id }) => id))
    before = page.at(-1)!.id
  }
  const ids = (await world.deadLetters()).map(({ id }) => id).sort((a, b) => b - a)
  expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
})

test('one dead letter has its bytes, its chain, and the actions that took it up', async () => {
  const { world } = await aWorldOfFailures()
  const [, binary] = await world.deadLetters()
  const { action } = await redrive(world, { failure: 'malformed_json', partition: 0 })

  const letter = await readDeadLetter(world.pool, binary!.id)
  expect(letter).toMatchObject({
    key: Buffer.from([0xff, 0x00]),
    keyBytes: 2,
    value: Buffer.concat([Buffer.from([0xfe, 0x00]), Buffer.from(INJECTION)]),
    headers: [],
    attempts: 1,
    chain: [{ id: binary!.id }, { redriveOf: `${world.topic}:0:1` }],
    actions: [{ id: action.id, action: 'redrive', requestedBy: 'ada' }],
  })
  // Seen from the later attempt the chain is the same; that action was before it.
  const later = await readDeadLetter(world.pool, letter.chain[1]!.id)
  expect(later.chain).toEqual(letter.chain)
  expect(later.actions).toEqual([])
  expect(later.headers).toEqual([{ key: 'redrive-of', value: Buffer.from(`${world.topic}:0:1`) }])
  await expect(readDeadLetter(world.pool, 999)).rejects.toThrow('There is no dead letter 999.')
})

test('the reads are the loader’s right', async () => {
  const { world } = await aWorldOfFailures()
  const { pool } = await openBackground(world)
  const [letter] = await world.deadLetters()
  expect(await groupDeadLetters(pool, world.stream.name, lettersOf({}))).toHaveLength(2)
  expect(await readDeadLetter(pool, letter!.id)).toMatchObject({ id: letter!.id, actions: [] })
})
