import type { Definition } from '../etl/stream/definition.ts'
import type { Row } from '../etl/stream/field.ts'
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
    const opened = new Map(
      [...records].map(([name, { faulty, rows }]) => [
        name,
        { sent: faulty(random, shares), next: rows(random) },
      ]),
    )
    const told = new Set(story?.streams ?? [])
    for (;;) {
      const time = now()
      const rows: (readonly [stream: string, row: Row])[] = [...(tell?.(time) ?? [])]
      for (const [name, { next }] of opened) if (!told.has(name)) rows.push([name, next(time)])
      const step: Message[] = []
      for (const [name, row] of rows) step.push(...first(MOST_FAULTS, opened.get(name)?.sent(row) ?? []))
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
