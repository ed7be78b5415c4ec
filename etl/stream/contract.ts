import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import type { SourceRecord } from '../kafka/record.ts'
import { plain } from '../text/excerpt.ts'
import { ageProblem, isWithinAge } from './age.ts'
import type { Definition } from './definition.ts'
import { wireOf, type FieldOptions, type Row } from './field.ts'
import { compileDeletions } from './deletions.ts'
import { decodeJson, type JsonObject } from './json.ts'
import { laterIssues } from './later-rules.ts'
import type { Issue, Rejection, ValidRecord } from './types.ts'

/**
 * Holds a record against the contract. Never throws, and depends on nothing but its arguments: the same record is
 * decided in the same way at any time. A rejection lists everything that is wrong.
 *
 * @param maxAgeDays how much older than its record what it tells of may be, in days.
 */
export type Validate = (record: SourceRecord, maxAgeDays: number) => ValidRecord | Rejection

/** Code points of a decoder's message that an issue shows. */
const DECODER_MESSAGE_LENGTH = 300

/**
 * The contract of a stream's messages, field by field. Only the named fields are read, so unknown ones,
 * `__proto__` and `constructor` among them, do nothing.
 */
export function compileContract(definition: Definition): Validate {
  const { fields, eventTime, laterRules = [] } = definition
  const schema = z.compile(
    z.object(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, wireOf(field)]))),
  )
  const timeWire = wireOf(fields[eventTime]!)
  const places = Object.entries(fields).map(
    ([field, { options }]) => [field, placeOf(field, options.at)] as const,
  )
  const isFlat = Object.values(fields).every(({ options }) => options.at === undefined)
  /** What the schema reads: the message itself, where each field stands in it by its own name. */
  const inputOf = (message: JsonObject, record: SourceRecord): JsonObject =>
    isFlat ? message : Object.fromEntries(places.map(([field, { read }]) => [field, read(message, record)]))
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
    if (record.value === null && deletions?.byTombstone === true)
      return deletions.read(inputOf({}, record), record)
    const decoded = decodeJson(record.value)
    if ('code' in decoded)
      return { record, code: decoded.code, issues: [{ field: '', message: decoded.problem }] }

    const input = inputOf(decoded.object, record)
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
    return { record, row }
  }
}

const toIssue = (field: string, message: string): Issue => ({ field, message: `${field} ${message}` })

/** Where a field's value stands, and what an issue calls it. */
interface Place {
  readonly name: string
  readonly read: (message: JsonObject, record: SourceRecord) => unknown
}

function placeOf(field: string, at: FieldOptions['at'] = field): Place {
  if (typeof at === 'string') {
    const parts = at.split('.')
    return { name: at, read: (message) => parts.reduce<unknown>(partOf, message) }
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
