import { messageOf } from '../../text/message-of.ts'
import { plain } from '../../text/excerpt.ts'
import type { Fields } from '../field.ts'
import { decodeJson, type Decoded } from '../json.ts'
import { unwrapCloudEvent } from './cloudevents.ts'
import { unwrapDebezium } from './debezium.ts'
import type {
  CloudEventsOptions,
  DebeziumOptions,
  EnvelopeSpec,
  RegistryOptions,
  Unwrap,
  UnwrapFunction,
  Unwrapped,
} from './envelope.ts'
import { Schemas } from './schemas.ts'

/**
 * How the rows of a stream are taken out of its records.
 *
 * @param schemas those that the stream has met, where its values name one.
 * @param decode how JSON is read.
 */
export function compileEnvelope(
  spec: EnvelopeSpec = 'json',
  fields: Fields,
  schemas?: Schemas,
  decode: typeof decodeJson = decodeJson,
): Unwrap {
  if (typeof spec === 'function') return unwrapWith(spec)
  const name = nameOf(spec)
  const options: DebeziumOptions & CloudEventsOptions & RegistryOptions =
    typeof spec === 'string' ? {} : Object.values(spec)[0]
  switch (name) {
    case 'cloudevents':
      return unwrapCloudEvent(options, decode)
    case 'debezium':
      return unwrapDebezium(decode, decodeJson, pathsOf(fields), options)
    case 'registry':
      return unwrapRegistered(options, fields, schemas ?? new Schemas())
    default:
      return unwrapAs(decode)
  }
}

/** Whether its values name a schema that has to be known before they are read. */
export const namesSchemas = (spec: EnvelopeSpec | undefined): boolean => nameOf(spec) === 'registry'

/** A key may name a schema too, which nobody has asked for: what of a deleted row is known stands in `before`. */
const noKey = (): Decoded => ({ object: {} })

function unwrapRegistered({ holds = 'row' }: RegistryOptions, fields: Fields, schemas: Schemas): Unwrap {
  const decode = (value: Buffer) => schemas.decode(value)
  if (holds === 'row') return unwrapAs(decode)
  return unwrapDebezium(decode, noKey, pathsOf(fields), holds === 'debezium' ? {} : holds.debezium)
}

/** For people and for the contract's hash. */
export const nameOf = (spec: EnvelopeSpec = 'json'): string =>
  typeof spec === 'string' ? spec : typeof spec === 'function' ? 'function' : Object.keys(spec)[0]!

/** The bare row. A null is a tombstone: which row is gone stands in the record's key. */
function unwrapAs(decode: (value: Buffer) => Decoded): Unwrap {
  return ({ value }) => {
    if (value === null) return { deletion: {} }
    const decoded = decode(value)
    return 'code' in decoded ? decoded : { row: decoded.object }
  }
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
