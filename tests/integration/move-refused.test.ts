import { describe, expect, test } from 'vitest'
import { readAllProgress } from '../../etl/ledger/watermark.ts'
import { lookAtMove, moveTopic } from '../../etl/partitions/move-topic.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { ADA } from '../support/background.ts'
import { clicks } from '../support/clicks/clicks.ts'
import { aWorldToMove, move, proofOf, pulse, some, workerOf } from '../support/moves.ts'
import { prices } from '../support/prices/prices.ts'
import { runPulse } from '../support/pulse.ts'
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

  test('to a topic that is not there or is another’s, of a stream that has read nothing, and without a reason', async () => {
    const { world, to } = await aWorldToMove({ others: [visits] })
    const other = world.topicOf(visits)
    expect((await move(world, 'nowhere')).err).toContain('Kafka has no topic nowhere: make it first')
    expect((await move(world, other)).err).toContain(
      `The topic ${other} is that of the stream visits by the settings`,
    )
    expect((await move(world, world.dlqTopic)).err).toContain('is that of the dead letters of parcels')
    expect((await move(world, to, '--abandon', '0')).code).toBe(0)
    const ofOthers = (...args: string[]) => runPulse(world.env, ['streams', 'move', ...args])
    const visitsTo = ['--topic', `${to}.dlq`, '--reason', 'so', '--yes']
    expect((await ofOthers('visits', ...visitsTo)).err).toContain(
      'has read no topic yet: there is nothing to move',
    )
    expect((await ofOthers('visits', '--topic', to, '--reason', 'so', '--yes')).err).toContain(
      `The topic ${to} is that of the stream parcels in this warehouse`,
    )
    expect(await ofOthers('parcels', '--stream', 'visits', ...visitsTo)).toMatchObject({ code: 2 })
    expect(await pulse(world, '--topic', to)).toMatchObject({ code: 2 })
    expect(await pulse(world, '--topic', world.topic, '--reason', ' ')).toMatchObject({ code: 2 })
    expect((await pulse(world, '--topic', world.topic, '--reason', 'so')).err).toContain('add --yes to do it')
    const partitions = await runPulse(world.env, [
      'partitions',
      'new-incarnation',
      '0',
      '--from-beginning',
      '--yes',
    ])
    expect(partitions.err).toContain(
      `${world.topic}/0 is left: the stream parcels reads ${to} in place of it`,
    )
    expect((await runPulse(world.env, ['partitions', 'continue', '0', '--yes'])).err).toContain(
      `To read it again: pulse streams move parcels --topic ${world.topic}`,
    )
  })
})
