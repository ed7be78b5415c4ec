import { defineStream } from '../../../etl/stream/define.ts'
import { flag, instant, text } from '../../../etl/stream/words.ts'

/** Milliseconds that each record takes. */
export const NAP_MS = 200

/** A stream whose `derive` computes for long: what it does to the others is what its tests are about. */
export const sleepy = defineStream('sleepy', {
  title: 'nap',
  topic: { key: 'bed' },
  fields: { bed: text(40), at: instant() },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'bed', scope: 'event_time' },
  derived: { rested: flag() },
  derive: () => {
    const until = performance.now() + NAP_MS
    while (performance.now() < until);
    return { rested: true }
  },
})
