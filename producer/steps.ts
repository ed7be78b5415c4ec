import type { Definition } from '../etl/stream/definition.ts'
import type { Story } from '../etl/stream/samples.ts'
import { partOf } from '../etl/installation.ts'
import { recordsOf, type Message, type MessageOptions } from './messages.ts'
import { createRandom } from './random.ts'

/** Where nearly all is to be faulty, at most this many faults go with a record: a step has an end. */
const MOST_FAULTS = 100

const ofStreams = await partOf<Story | undefined>('story', undefined)

/**
 * What the producer sends, step by step: of one stream a record a step; of several what their story tells, and of a
 * stream that it says nothing of one record. Each step has at least one record.
 */
export type Steps = (options: MessageOptions) => Generator<readonly Message[], never, undefined>

/** @param story of the installation, unless told. */
export function stepsOf(streams: readonly Definition[], story = ofStreams): Steps {
  const records = new Map(streams.map((stream) => [stream.name, recordsOf(stream)]))
  if (streams.length === 1) return oneByOne([...records.values()][0]!.messages)

  return function* ({ seed, now, ...shares }) {
    const random = createRandom(seed)
    const tell = story?.open(random)
    const opened = [...records].map(([name, of]) => ({
      name,
      sent: of.faulty(random, shares),
      filled: of.filled(random),
      next: of.rows(random),
    }))
    const byName = new Map(opened.map((one) => [one.name, one]))
    const told = new Set(story?.streams ?? [])
    for (;;) {
      const time = now()
      const step: Message[] = []
      for (const [name, made] of tell?.(time) ?? []) {
        if (!told.has(name)) throw new RangeError(`the story tells of ${name}, which is none of its streams`)
        const of = byName.get(name)
        if (of !== undefined) step.push(...first(MOST_FAULTS, of.sent(of.filled(made, time))))
      }
      for (const { name, sent, next } of opened)
        if (!told.has(name)) step.push(...first(MOST_FAULTS, sent(next(time))))
      if (step.length > 0) yield step
    }
  }
}

const oneByOne = (messages: (options: MessageOptions) => Generator<Message, never, undefined>): Steps =>
  function* (options) {
    const all = messages(options)
    for (;;) yield [all.next().value]
  }

function first<T>(most: number, all: Iterable<T>): T[] {
  const taken: T[] = []
  for (const one of all) if (taken.push(one) === most) break
  return taken
}
