import type { SourceRecord } from '../kafka/record.ts'
import { placeOf } from './contract.ts'
import { identityFields } from './define.ts'
import type { Definition } from './definition.ts'
import { compileEnvelope } from './envelopes/compile.ts'
import type { Schemas } from './envelopes/schemas.ts'
import { wireOf } from './field.ts'

/** A value of an identity's field. */
export type KeyPart = string | number
/** An identity as its fields' values, in their order; of versions the key alone. */
export type RecordKey = readonly KeyPart[]

/** Whose a record is. */
export interface SaidKey {
  /** Undefined where the record doesn't say all of it. */
  readonly said: RecordKey | undefined
  /** The same, with the message's own key in the place of the field that messages should have as their key. */
  readonly byMessageKey: RecordKey | undefined
}

/** Reads whose record it is, also of one that is refused for something else. */
export function compileRecordKey(
  { fields, identity, envelope, topic }: Definition,
  schemas?: Schemas,
): (record: SourceRecord) => SaidKey {
  const unwrap = compileEnvelope(envelope, fields, schemas)
  const parts = identityFields(identity).map((field) => ({
    wire: wireOf(fields[field]!),
    place: placeOf(field, fields[field]!.options.at),
    isMessageKey: topic.key === field,
  }))
  return (record) => {
    const unwrapped = unwrap(record)
    const message = 'row' in unwrapped ? unwrapped.row : 'deletion' in unwrapped ? unwrapped.deletion : {}
    const beside = ('parts' in unwrapped ? unwrapped.parts : undefined) ?? {}
    const read = parts.map(({ wire, place }) => wire.safeParse(place.read(message, record, beside)).data)
    const keyed = parts.map(({ wire, isMessageKey }, i) =>
      isMessageKey ? (read[i] ?? wire.safeParse(record.key?.toString()).data) : read[i],
    )
    return { said: complete(read), byMessageKey: complete(keyed) }
  }
}

const complete = (parts: readonly unknown[]): RecordKey | undefined =>
  parts.every((part) => part !== undefined) ? (parts as RecordKey) : undefined

/**
 * A key as a person types it: the value of the one field of the identity, or of several a JSON array of their values.
 *
 * @returns the key, or what is wrong with it, in a sentence without its end.
 */
export function parseRecordKey({ fields, identity }: Definition, text: string): RecordKey | string {
  const names = identityFields(identity)
  let typed: unknown = [text]
  if (names.length > 1)
    try {
      typed = JSON.parse(text)
    } catch {
      typed = undefined
    }
  if (!Array.isArray(typed) || typed.length !== names.length)
    return `the identity has several parts: give them as a JSON array, such as '[${names.map((name) => `"${name}"`).join(', ')}]'`
  const parts: KeyPart[] = []
  for (const [i, name] of names.entries()) {
    const field = fields[name]!
    const value: unknown = typed[i]
    const isNumber = field.kind.name === 'int' && typeof value === 'string' && /^-?\d+$/.test(value)
    const { success, data, error } = wireOf(field).safeParse(isNumber ? Number(value) : value)
    if (!success) return `${name} ${error.issues[0]?.message ?? 'is not right'}`
    parts.push(data as KeyPart)
  }
  return parts
}
