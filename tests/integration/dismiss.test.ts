import { expect, test } from 'vitest'
import { requestDismiss } from '../../etl/dead-letters/dismiss.ts'
import { ADA, askForRedrive, lettersOf, openBackground } from '../support/background.ts'
import { aBrokenMessage } from '../support/messages.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const REASON = 'Test data: INC-42'

async function aWorldOfGarbage(count: number): Promise<World> {
  const world = await aWorld({ partitions: 1 })
  await world.produce([...Array.from({ length: count }, () => '{'), aBrokenMessage()])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  return world
}

const openOnes = async (world: World) =>
  (await world.deadLetters()).filter(({ resolved_at }) => resolved_at === null)

test('a group is dismissed with its reason, in steps; the others stay open', async () => {
  const world = await aWorldOfGarbage(2_100)
  const lane = await openBackground(world)

  const action = await lane.until(
    await requestDismiss(lane.pool, ADA, lettersOf({ code: 'malformed_json' }), REASON, {
      stream: world.stream.name,
      expectedCount: 2_100,
    }),
  )

  expect(action).toMatchObject({
    action: 'dismiss',
    reason: REASON,
    total: 2_100,
    done: 2_100,
    result: { dismissed: 2_100, skipped: {} },
  })
  expect(await openOnes(world)).toMatchObject([{ code: 'schema_violation' }])
  expect(new Set((await world.deadLetters()).map(({ resolution }) => resolution))).toEqual(
    new Set([`dismissed: ${REASON}`, null]),
  )
  await world.assertBalanced()
})

test('what was resolved meanwhile is passed over, and what came later is not taken', async () => {
  const world = await aWorldOfGarbage(3)
  const asked = await requestDismiss(world.pool, ADA, lettersOf({}), REASON, { stream: world.stream.name })
  const [first] = await world.deadLetters()
  await world.pool.query(
    `update audit.dead_letters set resolved_at = now(), resolution = 'loaded elsewhere' where id = $1`,
    [first!.id],
  )
  await world.produce(['later'])
  await world.runOnce({ deadLetterMaxRatio: 1 })

  const lane = await openBackground(world)
  expect((await lane.until(asked)).result).toEqual({ dismissed: 3, skipped: { resolved: 1 } })

  expect((await world.deadLetters())[0]).toMatchObject({ resolution: 'loaded elsewhere' })
  expect(await openOnes(world)).toHaveLength(1)
})

test('one that was sent again and dismissed before its outcome stays dismissed', async () => {
  const world = await aWorldOfGarbage(1)
  const lane = await openBackground(world)
  const [letter] = await world.deadLetters()
  const filter = { ids: [letter!.id] }
  await lane.until(await askForRedrive(world, filter, { value: Buffer.from(JSON.stringify(aLiveMessage())) }))
  await lane.until(
    await requestDismiss(world.pool, ADA, lettersOf(filter), REASON, { stream: world.stream.name }),
  )

  expect(await world.runOnce()).toMatchObject({ loaded: 1 })

  expect((await world.deadLetters())[0]).toMatchObject({
    resolution: `dismissed: ${REASON}`,
    redriven_at: null,
  })
  await world.assertBalanced()
})

test('no reason, another count, or none at all: refused', async () => {
  const world = await aWorldOfGarbage(1)
  const all = lettersOf({})
  await expect(requestDismiss(world.pool, ADA, all, ' ', { stream: world.stream.name })).rejects.toThrow(
    'needs a reason',
  )
  await expect(
    requestDismiss(world.pool, ADA, all, REASON, { stream: world.stream.name, expectedCount: 1 }),
  ).rejects.toThrow('2 dead letters match now, not 1')
  await expect(
    requestDismiss(world.pool, ADA, lettersOf({ partition: 7 }), REASON, { stream: world.stream.name }),
  ).rejects.toThrow('nothing to do')
  await expect(
    requestDismiss(world.pool, ADA, lettersOf({ ids: [999] }), REASON, { stream: world.stream.name }),
  ).rejects.toMatchObject({
    name: 'NotFound',
  })
})
