import { describe, expect, test } from 'vitest'
import { readAllProgress } from '../../etl/ledger/watermark.ts'
import { lookAtMove, moveTopic } from '../../etl/partitions/move-topic.ts'
import { lookAt, newIncarnation, requireMayGoOn } from '../../etl/partitions/stopped.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { ADA } from '../support/background.ts'
import { clicks } from '../support/clicks/clicks.ts'
import { aWorldToMove, move, proofOf, pulse, some, workerOf } from '../support/moves.ts'
import { prices } from '../support/prices/prices.ts'
import { parcels } from '../support/streams/parcels.ts'
import { visits } from '../support/streams/visits.ts'
import { aRival, untilWaiting } from '../support/versions.ts'
import { aWorld, type World } from '../support/world.ts'

/** A stream is moved to another topic beside its loads, or isn't, with the reason. */

const looked = (world: World, to: string) => lookAtMove(world.pool, world.kafka, parcels, to, new Map())

describe('beside a load', () => {
  test('that is under way: what it loads is read', async () => {
    const { world, to } = await aWorldToMove()
    await world.produce(some(2))
    const seen = await looked(world, to)
    const load = await aRival(world)
    await load.query('select from audit.partition_progress for update')
    const moving = moveTopic(world.pool, ADA, seen, { reason: 'renamed' })
    await untilWaiting(world)
    await load.query('update audit.partition_progress set next_offset = 5')
    await load.query('commit')
    expect(await moving).toMatchObject({ action: 'move', target: { abandoned: 0 } })
    expect(await readAllProgress(world.pool, world.topic)).toMatchObject([
      { nextOffset: 5, stopCode: 'moved' },
    ])
  })

  test('that begins while the stream is moved: it finds its partition stopped, and loads nothing', async () => {
    const { world, to } = await aWorldToMove()
    const worker = await workerOf(world, world.topic)
    const seen = await looked(world, to)
    const rival = await aRival(world)
    await rival.query('select from audit.partition_progress for update')
    const moving = moveTopic(world.pool, ADA, seen, { reason: 'renamed' })
    await untilWaiting(world)
    await world.produce(some(1)) // too late
    const run = worker.runOnce()
    await untilWaiting(world, 2)
    await rival.query('commit')
    await moving
    expect(await run).toMatchObject({ loaded: 0, stopped: 1 })
    expect(await world.facts()).toHaveLength(3)
    expect((await proofOf(world, to)).findings).toHaveLength(1)
  })
})

describe('is refused', () => {
  test.for<[why: string, definition: Definition, said: RegExp]>([
    [
      'where each record is a fact',
      clicks,
      /Each record of the stream clicks is a fact by its place in its log/,
    ],
    ['where the log orders versions', prices, /are ordered by their log \(by: 'log'\)/],
  ])('%s', async ([, definition, said]) => {
    const world = await aWorld({ stream: definition, partitions: 1 })
    await expect(lookAtMove(world.pool, world.kafka, definition, 'x', new Map())).rejects.toThrow(said)
  })

  test('to a topic that is not there, or is another’s', async () => {
    const { world, to } = await aWorldToMove({ others: [visits] })
    const other = world.topicOf(visits)
    await expect(looked(world, 'nowhere')).rejects.toThrow('Kafka has no topic nowhere: make it first')
    expect((await move(world, other)).err).toContain(
      `The topic ${other} is that of the stream visits by the settings`,
    )
    expect((await move(world, world.dlqTopic)).err).toContain('is that of the dead letters of parcels')
    await expect(lookAtMove(world.pool, world.kafka, visits, world.topic, new Map())).rejects.toThrow(
      `The topic ${world.topic} is that of the stream parcels in this warehouse`,
    )
    await expect(lookAtMove(world.pool, world.kafka, visits, to, new Map())).rejects.toThrow(
      'has read no topic yet: there is nothing to move',
    )
  })

  test('without a reason, without consent, and for two streams at once', async () => {
    const { world, to } = await aWorldToMove({ others: [visits] })
    expect(await pulse(world, '--topic', to)).toMatchObject({ code: 2 })
    expect(await pulse(world, '--topic', to, '--reason', ' ')).toMatchObject({ code: 2 })
    expect((await pulse(world, '--topic', to, '--reason', 'so')).err).toContain('add --yes to do it')
    expect(await move(world, to, '--stream', 'visits')).toMatchObject({ code: 2 })
  })

  test('and so are other ways to let a partition of the topic before go on', async () => {
    const { world, to } = await aWorldToMove()
    await moveTopic(world.pool, ADA, await looked(world, to), { reason: 'renamed', abandon: 0 })
    const now = await lookAt(world.pool, world.kafka, { topic: world.topic, partition: 0 })
    const left = `${world.topic}/0 is left: the stream parcels reads ${to} in place of it. To read it again: pulse streams move parcels`
    await expect(requireMayGoOn(world.kafka, now)).rejects.toThrow(left)
    await expect(newIncarnation(world.pool, ADA, now, 0)).rejects.toThrow(left)
  })
})
