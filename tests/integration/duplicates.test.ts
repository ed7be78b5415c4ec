import { describe, expect, test } from 'vitest'
import { messagesOf, ours } from '../support/messages.ts'
import { aParcel, aWorldOfParcels, ofParcels } from '../support/parcels.ts'
import { stream } from '../support/stream.ts'
import { visits } from '../support/streams/visits.ts'
import { aWorld } from '../support/world.ts'

/** What is installed, one whose identities are claimed by a table of keys, and one whose are by its facts. */
const STREAMS = [
  [stream.name, ours, stream.definition, undefined],
  ['parcels', ofParcels, ofParcels.definition, ofParcels.definition],
  ['visits', messagesOf(visits), visits, visits],
] as const

describe.for(STREAMS)(
  'of %s',
  ([, { aLiveMessage, aConflict, otherThan, at, asStored, roles }, declared, given]) => {
    const aWorldOf = (partitions: number) => aWorld({ partitions, ...(given && { stream: given }) })
    const isByTime = declared.identity.scope === 'event_time'

    test('the same record again is a duplicate within a batch, across batches and across partitions', async () => {
      const world = await aWorldOf(2)
      const first = aLiveMessage()
      await world.produce([first, aLiveMessage(), first, first])
      expect(await world.runOnce({ batchSize: 3 })).toMatchObject({
        loaded: 2,
        duplicate: 2,
        deadLettered: 0,
      })

      // Beside a new one, too.
      await world.produce([first, aLiveMessage()], { partition: 1 })
      expect(await world.runOnce()).toMatchObject({ loaded: 1, duplicate: 1, deadLettered: 0 })
      await world.assertBalanced()
    })

    test('one with another value is a conflict that names the field, in its own batch and later', async () => {
      const world = await aWorldOf(2)
      const names = Object.keys(declared.fields).filter(
        (name) => !roles.identity.includes(name) && !(isByTime && name === roles.eventTime),
      )
      const messages = names.map(() => aLiveMessage())
      const changed = messages.map((message, i) =>
        names[i] === roles.eventTime
          ? { ...message, ...at(new Date(Date.now() - 60_000)) }
          : { ...message, ...otherThan(message, 1, names[i]) },
      )
      await world.produce([...messages, ...changed])
      await world.runOnce()
      await world.produce(changed, { partition: 1 })
      await world.runOnce({ deadLetterMaxRatio: 1 })

      expect(await world.facts()).toHaveLength(names.length)
      const conflicts = names.map((field, i) => ({
        offset: i,
        code: 'conflicting_duplicate',
        issues: [{ field }],
      }))
      expect(await world.deadLetters()).toMatchObject([
        ...conflicts.map((conflict) => ({
          ...conflict,
          partition: 0,
          offset: conflict.offset + names.length,
        })),
        ...conflicts.map((conflict) => ({ ...conflict, partition: 1 })),
      ])
      await world.assertBalanced()
    })

    test('what is in the warehouse decides over the lowest offset of a batch', async () => {
      const world = await aWorldOf(1)
      const first = aLiveMessage(otherThan({}))
      await world.produce([first])
      await world.runOnce()
      await world.produce([aConflict(first), first])

      expect(await world.runOnce()).toMatchObject({ loaded: 0, duplicate: 1, deadLettered: 1 })

      expect(await world.deadLetters()).toMatchObject([{ offset: 1, code: 'conflicting_duplicate' }])
      expect(await world.facts()).toMatchObject([{ ...asStored(first), source_offset: 0 }])
    })

    test('records that differ by a microsecond of their time alone are not the same', async () => {
      const world = await aWorldOf(1)
      const second = new Date().toISOString().slice(0, 19)
      const first = aLiveMessage(at(`${second}.000001Z`))
      await world.produce([first])
      await world.runOnce()
      await world.produce([first, { ...first, ...at(`${second}.000002Z`) }])
      expect(await world.runOnce()).toMatchObject({
        duplicate: 1,
        ...(isByTime ? { loaded: 1, deadLettered: 0 } : { loaded: 0, deadLettered: 1 }),
      })
    })
  },
)

test('a record written otherwise is the same: case of its id, zone of its time, zeros, unknown fields', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  const id = 'abcdef00-aaaa-4bbb-8ccc-ddddeeee0001'
  const now = new Date()
  const elsewhere = `${new Date(now.getTime() + 19_800_000).toISOString().slice(0, -1)}+05:30`
  const parcel = aParcel({ parcel_id: id, fee: 10, weighed: now.toISOString() })
  await world.produce([
    parcel,
    { ...parcel, parcel_id: id.toUpperCase() },
    { ...parcel, weighed: elsewhere },
    JSON.stringify(parcel).replace('"fee":10', '"fee":10.00'),
    { ...parcel, note: 'a field that nobody knows' },
  ])
  expect(await world.runOnce({ batchSize: 2 })).toMatchObject({ loaded: 1, duplicate: 4 })
  expect(await world.facts()).toMatchObject([{ parcel_id: id }])
})

test('where the fact was dropped for its age the key still stands', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  const parcel = aParcel()
  await world.produce([parcel])
  await world.runOnce()
  await world.pool.query('delete from parcels')
  await world.produce([
    { ...parcel, fee: 99 },
    { ...parcel, weighed: new Date(0).toISOString() },
  ])
  expect(await world.runOnce({ maxAgeDays: 36_500 })).toMatchObject({
    loaded: 0,
    duplicate: 1,
    deadLettered: 1,
  })
})
