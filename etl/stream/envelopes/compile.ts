import { messageOf } from '../../text/message-of.ts'
import { plain } from '../../text/excerpt.ts'
import type { Fields } from '../field.ts'
import { decodeJson } from '../json.ts'
import { unwrapCloudEvent } from './cloudevents.ts'
import { unwrapDebezium } from './debezium.ts'
import type {
  CloudEventsOptions,
  DebeziumOptions,
  EnvelopeSpec,
  Unwrap,
  UnwrapFunction,
  Unwrapped,
} from './envelope.ts'

/** How the rows of a stream are taken out of its records. */
export function compileEnvelope(spec: EnvelopeSpec = 'json', fields: Fields): Unwrap {
  if (typeof spec === 'function') return unwrapWith(spec)
  const name = nameOf(spec)
  const options: DebeziumOptions & CloudEventsOptions = typeof spec === 'string' ? {} : Object.values(spec)[0]
  if (name === 'cloudevents') return unwrapCloudEvent(options)
  if (name === 'debezium') return unwrapDebezium(decodeJson, pathsOf(fields), options)
  return unwrapJson
}

/** For people and for the contract's hash. */
export const nameOf = (spec: EnvelopeSpec = 'json'): string =>
  typeof spec === 'string' ? spec : typeof spec === 'function' ? 'function' : Object.keys(spec)[0]!

/** The bare object. A null is a tombstone: which row is gone stands in the record's key. */
const unwrapJson: Unwrap = ({ value }) => {
  if (value === null) return { deletion: {} }
  const decoded = decodeJson(value)
  return 'code' in decoded ? decoded : { row: decoded.object }
}

/** Where in the row the stream's fields stand. */
const pathsOf = (fields: Fields): string[][] =>
  Object.entries(fields).flatMap(
    ([
      field,
      {
        options: { at = field },
      },
    ]) => (typeof at === 'string' ? [at.split('.')] : []),
  )

const MESSAGE_LENGTH = 160
const WAYS = ['row', 'deletion', 'skip', 'code', 'stop']

function unwrapWith(unwrap: UnwrapFunction): Unwrap {
  return ({ value, key, headers }) => {
    try {
      const unwrapped: unknown = unwrap(value, key, headers)
      if (typeof unwrapped === 'object' && unwrapped !== null && WAYS.some((way) => way in unwrapped))
        return unwrapped as Unwrapped
      return notUnwrapped(`the envelope gave none of ${WAYS.join(', ')}`)
    } catch (error) {
      return notUnwrapped(messageOf(error))
    }
  }
}

const notUnwrapped = (why: string): Unwrapped => ({
  code: 'malformed_value',
  problem: `value could not be unwrapped (${plain(why, MESSAGE_LENGTH)}); it must be what the stream's envelope takes`,
})
