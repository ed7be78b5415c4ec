import type { Random } from '../../../../producer/random.ts'
import { changed } from '../../../../tests/hostile/again.ts'
import type { Contract } from '../../../../tests/hostile/contract.ts'
import { OF_UUID, ofEventTime, ofText, ofWords, optional } from '../../../../tests/hostile/field-traps.ts'
import { aUuid, quoted, rfc3339, type Fields } from '../../../../tests/hostile/message.ts'
import { trapsOf } from '../../../../tests/hostile/traps.ts'
import { judge, rules, type SiteEvent } from './oracle.ts'

const KINDS = ['view', 'search', 'cart', 'checkout', 'purchase']

/** With and without what may be missing; of many days, so that facts are on many partitions. */
function validFields(random: Random, kafkaMs: number): Fields {
  const age = random.chance(0.8) ? 3_600_000_000 : 29 * 86_400_000_000
  const micros = BigInt(kafkaMs) * 1_000n - BigInt(Math.floor(random.unit() * age))
  const may = (fields: Fields): Fields => (random.chance(0.7) ? fields : {})
  return {
    event_id: quoted(aUuid(random)),
    timestamp: quoted(rfc3339(micros)),
    kind: quoted(random.pick(KINDS)),
    session_id: quoted(`s-${random.between(1, 9_999)}`),
    ...may({ customer_id: random.chance(0.1) ? 'null' : quoted(`customer-${random.between(1, 999)}`) }),
    ...may({ product_id: quoted(`p-${random.between(1, 99)}`) }),
  }
}

const says = ([, json]: [string, string]) => json !== 'null'

function again(event: SiteEvent, random: Random): { name: string; value: Buffer } {
  const timestamp = rfc3339(event.micros)
  const fields: Fields = {
    event_id: quoted(event.eventId),
    timestamp: quoted(timestamp),
    kind: quoted(event.kind),
    session_id: quoted(event.sessionId),
    customer_id: JSON.stringify(event.customerId),
    product_id: JSON.stringify(event.productId),
  }
  if (random.chance(0.1))
    return changed(
      Object.fromEntries(Object.entries(fields).filter(says)),
      { 'without what is null': {} },
      random,
    )
  return changed(
    fields,
    {
      'in the same words': {},
      'in upper case': { event_id: quoted(event.eventId.toUpperCase()) },
      'in another zone': { timestamp: quoted(timestamp.replace('Z', '9+00:00')) },
      'a microsecond later': { timestamp: quoted(rfc3339(event.micros + 1n)) },
      'a day before': { timestamp: quoted(rfc3339(event.micros - 86_400_000_000n)) },
      'of another kind': { kind: quoted(KINDS.find((kind) => kind !== event.kind)!) },
      'of another session': { session_id: quoted(event.sessionId === 's' ? 't' : 's') },
      'of another customer, or none': { customer_id: event.customerId === null ? '"c"' : 'null' },
      'of another product, or none': { product_id: event.productId === null ? '"p"' : 'null' },
    },
    random,
  )
}

const FIELDS = {
  event_id: OF_UUID,
  timestamp: ofEventTime(30),
  kind: ofWords(...KINDS),
  session_id: ofText(64),
  customer_id: optional(ofText(50)),
  product_id: optional(ofText(20)),
}

export const contract: Contract<SiteEvent> = {
  ...rules,
  validFields,
  judge,
  traps: trapsOf(
    FIELDS,
    { field: 'kind', good: '"view"', bad: '"-"', text: 'session_id' },
    { customer_id: 'loaded', product_id: 'loaded' },
  ),
  again,
  stored: `jsonb_build_array(t.event_id, (extract(epoch from t.occurred_at) * 1000000)::int8::text, t.kind,
    t.session_id, t.customer_id, t.product_id)::text`,
  shown: ({ eventId, micros, kind, sessionId, customerId, productId }) =>
    JSON.stringify([eventId, String(micros), kind, sessionId, customerId, productId]),
}
