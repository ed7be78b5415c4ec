import { randomUUID } from 'node:crypto'
import { transform } from '../../etl/job/transform.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import { compile, type Stream } from '../../etl/stream/compile.ts'
import { identityFields } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { columnName, wireOf, type Field } from '../../etl/stream/field.ts'
import { parseRfc3339 } from '../../etl/stream/rfc3339.ts'
import type { Fact } from '../../etl/stream/types.ts'
import { createEncoder } from '../../producer/encode.ts'
import { createRandom } from '../../producer/random.ts'
import type { Samples } from '../../etl/stream/samples.ts'
import { samples } from '../../streams/samples.ts'
import { stream } from './stream.ts'

/**
 * Messages of the stream under test, made of its declaration: a test of the engine names no field, but what a field
 * is there for. All that is made is valid and of its own identity unless told:
 *
 *     const message = aLiveMessage()
 *     await world.produce([message, message, aConflict(message), aBrokenMessage(), aLiveMessage(at(daysAgo(400)))])
 *
 * For a declaration of the tests' own: `messagesOf(parcels)`.
 */

/** A message's JSON object. */
export type Said = Readonly<Record<string, unknown>>
type Changes = Readonly<Record<string, unknown>>

/** When Kafka stored the records of tests: milliseconds since the epoch. */
export const KAFKA_TIME = Date.parse('2026-11-21T10:00:00Z')
/** The event time of tests, one minute before. */
export const EVENT_TIME = '2026-11-21T09:59:00Z'

/** A record as Kafka delivers it, by default around a valid message. */
export const aRecord = (overrides: Partial<SourceRecord> = {}): SourceRecord =>
  aRecordOf(aMessage(), overrides)

/** A record around a message: an object is written as JSON, a string or bytes stand as they are, null is no value. */
export function aRecordOf(
  message: object | string | null,
  overrides: Partial<SourceRecord> = {},
): SourceRecord {
  return {
    offset: 0,
    timestamp: KAFKA_TIME,
    key: Buffer.from('customer-1'),
    value: message === null ? null : toBytes(message),
    headers: [],
    ...overrides,
  }
}

function toBytes(message: object | string): Buffer {
  if (message instanceof Uint8Array) return Buffer.from(message)
  return Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
}

/** What the fields of a stream are there for. */
export interface Roles {
  readonly identity: readonly string[]
  readonly eventTime: string
  /** No part of the identity, no time: what two records of one identity may differ in, and what may break. */
  readonly other: string
  /** Another one, declared after it. */
  readonly another: string
  /** A text of at least 20 characters that is no part of the identity, to tell records by. */
  readonly mark: string
  /** By field. */
  readonly columns: Readonly<Record<string, string>>
}

export interface Messages {
  readonly definition: Definition
  readonly roles: Roles
  /** In code units, as a record is after validation. */
  readonly aRow: (changes?: Changes) => Changes
  /** A fact with what is derived of it, unless overridden. */
  readonly aFact: (changes?: Changes & { readonly offset?: number }) => Fact
  /** Of EVENT_TIME. A change that is undefined takes the field away. */
  readonly aMessage: (changes?: Changes) => Record<string, unknown>
  /** Of now, as a live topic wants it. */
  readonly aLiveMessage: (changes?: Changes) => Record<string, unknown>
  /** To give to the above, or to spread over a message: its event time; RFC 3339. */
  readonly at: (time: string | Date) => Record<string, unknown>
  /** The same: a text that tells it from others; at most 20 characters. */
  readonly marked: (text: string) => Record<string, unknown>
  /** The same: a value of `roles.other`, or of this field, that the message doesn't have; each number gives another. */
  readonly otherThan: (message: Said, n?: number, field?: string) => Record<string, unknown>
  /** The same: a value that the contract refuses, each number another. */
  readonly broken: (n?: number) => Record<string, unknown>
  /** The same identity and time with another value; each number gives another one. */
  readonly aConflict: (message: Said, n?: number, field?: string) => Record<string, unknown>
  /** Breaks the contract in one field, `roles.other`; each number in another way. */
  readonly aBrokenMessage: (changes?: Changes, n?: number) => Record<string, unknown>
  /** Breaks it in two, `roles.other` and `roles.another`. */
  readonly aTwiceBrokenMessage: () => Record<string, unknown>
  /** What was broken, corrected. */
  readonly mended: (message: Said) => Record<string, unknown>
  /** A message's identity, as `world.facts()` has it. */
  readonly identityOf: (message: Said) => string
  /** What `world.facts()` has of its `roles.other`, by column. */
  readonly asStored: (message: Said) => Record<string, unknown>
  /** What is wrong with a message, as validation says it: an issue's message for each fault. */
  readonly issuesOf: (message: object | string) => string[]
}

/** @throws Error where the declaration has no field for a role, or none that stands in the message by its own name. */
export function messagesOf(definition: Definition, of?: Samples, compiled?: Stream): Messages {
  const { fields, eventTime, topic } = definition
  const identity = identityFields(definition.identity)
  const encoder = createEncoder(definition)
  const random = createRandom(1)
  const sample = of?.(random)
  let made = 0

  for (const [name, { options }] of Object.entries(fields))
    if ((options.at ?? name) !== name)
      throw new Error(`${name} of ${definition.name} doesn't stand in the message by its own name`)

  const free = Object.entries(fields).filter(([name]) => !identity.includes(name) && name !== eventTime)
  const need = (role: string, found: string | undefined): string => {
    if (found === undefined) throw new Error(`${definition.name} has no field to be ${role}`)
    return found
  }
  const breakable = free.filter(([, { kind }]) => badValues(kind).length > 1)
  const other = need(
    'changed and broken',
    (breakable.find(([name, { kind }]) => kind.name === 'money' && name !== topic.key) ?? breakable[0])?.[0],
  )
  const roles: Roles = {
    identity,
    eventTime,
    other,
    another: need('broken too', breakable.slice(breakable.findIndex(([name]) => name === other) + 1)[0]?.[0]),
    mark: need('told by', free.find(([, field]) => field.kind.name === 'text' && takesTwenty(field))?.[0]),
    columns: Object.fromEntries(Object.keys(fields).map((name) => [name, columnName(fields, name)])),
  }

  const aRow = (changes: Changes = {}): Changes => {
    const nowMs = Date.parse(EVENT_TIME)
    const drawn = sample?.(nowMs) ?? {}
    made += 1
    const row: Record<string, unknown> = {}
    for (const [name, { kind, isOptional }] of Object.entries(fields)) {
      if (name === eventTime) row[name] = nowMs * 1_000
      else if (identity.includes(name)) row[name] = unique(name, kind, made) ?? kind.sample(random, nowMs)
      else if (name in drawn) row[name] = drawn[name]
      else if (isOptional && name !== other && random.chance(0.3)) row[name] = null
      else row[name] = kind.sample(random, nowMs)
    }
    return { ...row, ...changes }
  }
  const said = (field: string, value: unknown): unknown =>
    JSON.parse(fields[field]!.kind.write(value as object))
  const aMessage = (changes: Changes = {}) => ({
    ...(JSON.parse(encoder.text(aRow())) as Record<string, unknown>),
    ...changes,
  })
  const at = (time: string | Date) => {
    const text = typeof time === 'string' ? time : time.toISOString()
    const { wire } = fields[eventTime]!.kind
    return { [eventTime]: wire.safeParse(text).success ? text : said(eventTime, parseRfc3339(text)) }
  }
  const aLiveMessage = (changes: Changes = {}) => aMessage({ ...at(new Date()), ...changes })
  const otherThan = (message: Said, n = 1, field = other): Record<string, unknown> => {
    const { kind, fallback } = fields[field]!
    const own = message[field] ?? fallback
    const others = new Set<string>()
    const draw = createRandom(2) // the same values in the same order each time
    for (let tries = 0; tries < 1_000; tries++) {
      const value = said(field, kind.sample(draw, KAFKA_TIME))
      if (JSON.stringify(value) !== JSON.stringify(own)) others.add(JSON.stringify(value))
      if (others.size === n) return { [field]: value }
    }
    throw new Error(`${definition.name}.${field} has no ${n} other values`)
  }
  const broken = (n = 1) => {
    const bad = badValues(fields[other]!.kind)
    return { [other]: bad[(n - 1) % bad.length] }
  }
  const validating = compiled ?? compile(definition)
  return {
    definition,
    roles,
    aRow,
    aFact: ({ offset = 0, ...changes } = {}) => {
      const ofMessage = Object.entries(changes).filter(([name]) => name in fields)
      const row = aRow(Object.fromEntries(ofMessage))
      const [fact] = transform([{ record: aRecord({ offset }), row }], validating)
      return { ...fact!, row: { ...fact!.row, ...changes } }
    },
    aMessage,
    aLiveMessage,
    at,
    marked: (text) => ({ [roles.mark]: text }),
    otherThan,
    broken,
    aConflict: (message, n, field) => ({ ...message, ...otherThan(message, n, field) }),
    aBrokenMessage: (changes, n) => aLiveMessage({ ...broken(n), ...changes }),
    aTwiceBrokenMessage: () =>
      aLiveMessage({ ...broken(), [roles.another]: badValues(fields[roles.another]!.kind)[0] }),
    mended: (message) => ({
      ...message,
      [other]: said(other, fields[other]!.kind.sample(random, KAFKA_TIME)),
    }),
    identityOf: (message) =>
      identity.map((name) => String(wireOf(fields[name]!).parse(message[name]))).join(','),
    asStored: (message) => {
      const value = message[other]
      const isMoney = fields[other]!.kind.name === 'money'
      return { [roles.columns[other]!]: isMoney ? (value as number).toFixed(2) : value }
    },
    issuesOf: (message) => {
      const outcome = validating.validate(aRecordOf(message, { timestamp: Date.now() }), 36_500)
      return 'issues' in outcome ? outcome.issues.map((issue) => issue.message) : []
    },
  }
}

/** What a word refuses and JSON can write again: not the bytes alone are wrong. */
const badValues = (kind: Field<unknown>['kind']): unknown[] =>
  Object.values(kind.refuses)
    .map((text): unknown => JSON.parse(text))
    .filter((value) => !kind.wire.safeParse(JSON.parse(JSON.stringify(value))).success)
    .filter((value) => JSON.stringify(value) !== 'null')

const takesTwenty = ({ kind }: Field<unknown>): boolean => kind.wire.safeParse('x'.repeat(20)).success

/** A value that no other record of this process has, where the word has as many. */
function unique(name: string, kind: Field<unknown>['kind'], n: number): unknown {
  if (kind.name === 'uuid') return randomUUID()
  return [`${name}-${n}`, String(n), n].find((value) => kind.wire.safeParse(value).success)
}

const ofStreams: Readonly<Record<string, Samples>> = samples

/** Of the stream that is installed. */
export const ours = messagesOf(stream.definition, ofStreams[stream.name], stream)
export const {
  roles,
  aRow,
  aFact,
  aMessage,
  aLiveMessage,
  at,
  marked,
  otherThan,
  broken,
  aConflict,
  aBrokenMessage,
  aTwiceBrokenMessage,
  mended,
  identityOf,
  asStored,
  issuesOf,
} = ours
