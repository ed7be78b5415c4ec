import type { Rules, Verdict } from '../../../../tests/hostile/contract.ts'
import {
  instant,
  isInTime,
  isRead,
  objectIn,
  oneOf,
  optional,
  text,
  uuid,
} from '../../../../tests/hostile/readings.ts'

/** An event as docs/streams/site_events.md says that the warehouse has it. */
export interface SiteEvent {
  readonly eventId: string
  /** Microseconds since 1970. */
  readonly micros: bigint
  readonly kind: string
  readonly sessionId: string
  readonly customerId: string | null
  readonly productId: string | null
}

/** What must become of a record by its bytes alone: that page as a second one reads it. */
export function judge(value: Buffer | null, kafkaMs: number): Verdict<SiteEvent> {
  const said = objectIn(value)
  if (typeof said === 'string') return { code: said }
  const event = {
    eventId: uuid(said['event_id']),
    micros: instant(said['timestamp']),
    kind: oneOf('view', 'search', 'cart', 'checkout', 'purchase')(said['kind']),
    sessionId: text(64)(said['session_id']),
    customerId: optional(said['customer_id'], text(50)),
    productId: optional(said['product_id'], text(20)),
  }
  if (!isRead(event)) return { code: 'schema_violation' }
  return isInTime(event.micros, kafkaMs, 30) ? { fact: event } : { code: 'timestamp_out_of_range' }
}

/** The same id at another time is another event; site_events_by_hour sums them, by the hour in UTC. */
export const rules: Rules<SiteEvent> = {
  identityOf: ({ eventId, micros }) => `${eventId} ${micros}`,
  sums: [
    {
      table: 'site_events_by_hour',
      cell: `concat_ws(' ', to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24'), kind)`,
      cellOf: ({ micros, kind }) => `${new Date(Number(micros / 1_000n)).toISOString().slice(0, 13)} ${kind}`,
      measures: ['sum(events)'],
      sharesOf: () => [1n],
    },
  ],
}
