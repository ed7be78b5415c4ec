import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import type { SourceRecord } from '../kafka/record.ts'
import { plain } from '../text/excerpt.ts'
import { ageProblem, isWithinAge } from './age.ts'
import type { Definition } from './definition.ts'
import { wireOf, type FieldOptions, type Row } from './field.ts'
import { compileDeletions } from './deletions.ts'
import { compileEnvelope } from './envelopes/compile.ts'
import type { Schemas } from './envelopes/schemas.ts'
import type { JsonObject } from './json.ts'
import { laterIssues } from './later-rules.ts'
import type { Issue, Rejection, Skipped, Stopping, ValidRecord } from './types.ts'

/**
 * Holds a record against the contract. Never throws, and depends on nothing but its arguments: the same record is
 * decided in the same way at any time. A rejection lists everything that is wrong.
 *
 * @param maxAgeDays how much older than its record what it tells of may be, in days.
 */
export type Validate = (
  record: SourceRecord,
  maxAgeDays: number,
) => ValidRecord | Rejection | Skipped | Stopping

/** Code points of a decoder's message that an issue shows. */
const DECODER_MESSAGE_LENGTH = 300

/**
 * The contract of a stream's messages, field by field. Only the named fields are read, so unknown ones,
 * `__proto__` and `constructor` among them, do nothing.
 */
export function compileContract(definition: Definition, schemas?: Schemas): Validate {
  const { title, fields, eventTime, laterRules = [], envelope } = definition
  const unwrap = compileEnvelope(envelope, fields, schemas)
  const schema = z.compile(
    z.object(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, wireOf(field)]))),
  )
  const timeWire = wireOf(fields[eventTime]!)
  const places = Object.entries(fields).map(
    ([field, { options }]) => [field, placeOf(field, options.at)] as const,
  )
  const isFlat = Object.values(fields).every(({ options }) => options.at === undefined)
  /** What the schema reads: the message itself, where each field stands in it by its own name. */
  const inputOf = (message: JsonObject, record: SourceRecord, parts: JsonObject = {}): JsonObject =>
    isFlat
      ? message
      : Object.fromEntries(places.map(([field, { read }]) => [field, read(message, record, parts)]))
  const names = new Map(places.map(([field, { name }]) => [field, name]))
  const named = (field: string) => names.get(field) ?? field

  const deletions = compileDeletions(definition, named)

  /** The issue of a well-formed time that is out of range, whatever else is wrong with the record. */
  const ageIssues = (message: JsonObject, { timestamp }: SourceRecord, maxAgeDays: number): Issue[] => {
    const { success, data } = timeWire.safeParse(message[eventTime])
    if (!success || isWithinAge(data as number, timestamp, maxAgeDays)) return []
    const field = named(eventTime)
    return [{ field, message: ageProblem(field, message[eventTime], timestamp, maxAgeDays) }]
  }

  return (record, maxAgeDays) => {
    if (record.undecodable !== undefined) {
      const message = `value could not be decoded (${plain(record.undecodable, DECODER_MESSAGE_LENGTH)})`
      return { record, code: 'undecodable', issues: [{ field: '', message }] }
    }
    const unwrapped = unwrap(record)
    if ('code' in unwrapped) {
      const { code, field = '', problem } = unwrapped
      return { record, code, issues: [{ field, message: problem }] }
    }
    if ('skip' in unwrapped) return { record, skip: unwrapped.skip }
    if ('stop' in unwrapped) {
      const reason = `offset ${record.offset}: ${plain(unwrapped.reason, DECODER_MESSAGE_LENGTH)}`
      return { record, stop: unwrapped.stop, reason }
    }
    if ('deletion' in unwrapped) {
      // What an envelope says deletes; a record without a value only where its key says which.
      if (deletions !== undefined && (record.value !== null || deletions.byTombstone)) {
        const { deletion, parts, version } = unwrapped
        return deletions.read(inputOf(deletion, record, parts), record, version)
      }
      const issue = { field: '', message: deletionProblem(record, title) }
      return { record, code: 'schema_violation', issues: [issue] }
    }

    const input = inputOf(unwrapped.row, record, unwrapped.parts)
    const parsed = schema.safeParse(input)
    if (deletions?.isOne(parsed.success ? parsed.data : undefined, input) === true)
      return deletions.read(input, record)
    const broken = parsed.success
      ? laterIssues(parsed.data as Row, input, record.timestamp, laterRules)
      : parsed.error.issues.map((issue) => toIssue(named(String(issue.path[0] ?? '')), issue.message))
    if (broken.length > 0) {
      const issues = [...broken, ...ageIssues(input, record, maxAgeDays)]
      return { record, code: 'schema_violation', issues }
    }
    const row = parsed.data as Row
    if (!isWithinAge(row[eventTime] as number, record.timestamp, maxAgeDays)) {
      return { record, code: 'timestamp_out_of_range', issues: ageIssues(input, record, maxAgeDays) }
    }
    return unwrapped.writer === undefined ? { record, row } : { record, row, writer: unwrapped.writer }
  }
}

const toIssue = (field: string, message: string): Issue => ({ field, message: `${field} ${message}` })

/** A stream whose facts happen once has no use for the news that one is gone. */
const deletionProblem = ({ value }: SourceRecord, title: string): string =>
  value === null
    ? 'value is null (a tombstone); it must be a JSON object'
    : `value deletes a ${title}; it must be a ${title}, as each one happens once and stays`

/** Where a field's value stands, and what an issue calls it. */
interface Place {
  readonly name: string
  readonly read: (message: JsonObject, record: SourceRecord, parts: JsonObject) => unknown
}

function placeOf(field: string, at: FieldOptions['at'] = field): Place {
  if (typeof at === 'string') {
    const parts = at.split('.')
    return { name: at, read: (message) => parts.reduce<unknown>(partOf, message) }
  }
  if ('envelope' in at) {
    const parts = at.envelope.split('.')
    return {
      name: `${at.envelope} of the envelope`,
      read: (_, __, envelope) => parts.reduce<unknown>(partOf, envelope),
    }
  }
  if ('key' in at) return { name: 'the key', read: (_, { key }) => textOf(key) }
  const { header } = at
  return {
    name: `the header ${header}`,
    read: (_, { headers }) => textOf(headers.find(({ key }) => key === header)?.value ?? null),
  }
}

/** Only what an object has itself: `constructor` and the like are no part of a message. */
const partOf = (value: unknown, part: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, part)
    ? (value as JsonObject)[part]
    : undefined

const textOf = (bytes: Buffer | null): string | undefined =>
  bytes === null || !isUtf8(bytes) ? undefined : bytes.toString()
