import { expect, test } from 'vitest'
import { Dispatcher, type EndTurn } from '../../etl/job/dispatcher.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Turns that were asked for, in the order in which they were given. */
function aDispatcher(turns: number, streams: readonly string[]) {
  const dispatcher = new Dispatcher(turns, streams)
  const given: string[] = []
  const ends: EndTurn[] = []
  const take = async (stream: string, urgency: number) => {
    const end = await dispatcher.turn(stream, () => urgency)
    given.push(stream)
    ends.push(end)
  }
  return { ask: (stream: string, urgency = 1) => void take(stream, urgency), given, ends, settled }
}

test('a stream with a backlog takes all turns but those that are the others’ own', async () => {
  const { ask, given } = aDispatcher(4, ['a', 'b'])
  for (let i = 0; i < 9; i++) ask('a')
  await settled()
  expect(given).toEqual(['a', 'a', 'a'])
  ask('b')
  await settled()
  expect(given).toEqual(['a', 'a', 'a', 'b'])
})

test('a shared turn that falls free goes to the most urgent, and a stream without any comes first', async () => {
  const { ask, given, ends } = aDispatcher(4, ['a', 'b', 'c'])
  ask('a')
  ask('a') // the shared one
  ask('a', 1)
  ask('b')
  ask('b', 5)
  ask('b', 9)
  await settled()
  expect(given).toEqual(['a', 'a', 'b'])
  ends[1]!() // a still has its own
  await settled()
  expect(given).toEqual(['a', 'a', 'b', 'b'])
  ends[0]!() // a has none now
  await settled()
  expect(given.at(-1)).toBe('a')
})

test('with fewer turns than streams each has one all the same, and no more', async () => {
  const { ask, given, ends } = aDispatcher(1, ['a', 'b'])
  for (const stream of ['a', 'a', 'b', 'b']) ask(stream)
  await settled()
  expect(given).toEqual(['a', 'b'])
  ends[0]!()
  await settled()
  expect(given).toEqual(['a', 'b', 'a'])
})

test('a turn that is given back twice is given back once', async () => {
  const { ask, given, ends } = aDispatcher(1, ['a'])
  for (let i = 0; i < 4; i++) ask('a')
  await settled()
  ends[0]!()
  ends[0]!()
  await settled()
  expect(given).toHaveLength(2)
})
