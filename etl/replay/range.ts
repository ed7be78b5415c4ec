import { z } from 'zod'

const partition = z.int('is no partition').min(0, 'is no partition')
const offset = z.int('is no offset').min(0, 'is no offset')
const moment = z.iso.datetime({ offset: true, message: 'is no time such as 2026-03-01T12:00:00Z' })

/**
 * What to replay. `from` is in it, `to` is not; without `to` it goes as far as was loaded. Time is Kafka's
 * own time of the record, not the transaction's.
 */
export const replayRange = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z
    .strictObject({ kind: z.literal('offsets'), partition, from: offset, to: offset.optional() })
    .refine(({ from, to }) => to === undefined || from < to, { path: ['to'], error: 'is not after from' }),
  z
    .strictObject({ kind: z.literal('time'), from: moment, to: moment.optional() })
    .refine(({ from, to }) => to === undefined || Date.parse(from) < Date.parse(to), {
      path: ['to'],
      error: 'is not after from',
    }),
])
export type ReplayRange = z.infer<typeof replayRange>
