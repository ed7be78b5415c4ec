import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import type { SourceRecord } from '../kafka/record.ts'
import { plain } from '../text/excerpt.ts'
import { ageProblem, isWithinAge } from './age.ts'
import type { Definition } from './definition.ts'
import { wireOf, type FieldOptions, type Fields, type Row } from './field.ts'
import { compileDeletions } from './deletions.ts'
import { compileEnvelope } from './envelopes/compile.ts'
import type { Unwrap, Unwrapped } from './envelopes/envelope.ts'
import type { Schemas } from './envelopes/schemas.ts'
import { messageOf } from '../text/message-of.ts'
import { ofCurrency, type Amount } from './amount.ts'
import { decodeExactly, mayHoldLongNumbers, valueAt, type JsonObject } from './json.ts'
import { ExactLines } from './words/rows.ts'
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
  const exact = places.filter(([field]) => fields[field]!.kind.isExact === true)
  const unwrapExactly = compileEnvelope(envelope, fields, schemas, decodeExactly)
  const complete = compileAmounts(fields)
  const names = new Map(places.map(([field, { name }]) => [field, name]))
  const named = (field: string) => names.get(field) ?? field
  /** Of `lines[3].price`, with the place of the lines. */
  const namedLine = (field: string) => field.replace(/^[^[]*/, named)

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

    let input = inputOf(unwrapped.row, record, unwrapped.parts)
    if (exact.length > 0 && mayHoldLongNumbers(record.value)) {
      const again = exactly(unwrapExactly, record)
      if (again instanceof Error) return { record, code: 'malformed_json', issues: [tooDeep(again)] }
      if ('row' in again) {
        const { row, parts = {} } = again
        input = {
          ...input,
          ...Object.fromEntries(
            exact.map(([field, { read }]) => {
              const value = read(row, record, parts)
              const isLines = Array.isArray(value) && fields[field]!.kind.lines !== undefined
              return [field, isLines ? new ExactLines(input[field], value) : value]
            }),
          ),
        }
      }
    }
    const parsed = schema.safeParse(input)
    if (deletions?.isOne(parsed.success ? parsed.data : undefined, input) === true)
      return deletions.read(input, record)
    const { row, problems } = complete(parsed.data, input)
    const broken = [
      ...(parsed.success
        ? []
        : parsed.error.issues.map((issue) => toIssue(placeOfIssue(issue.path, named), issue.message))),
      ...problems.map(({ field, problem }) => toIssue(namedLine(field), problem)),
    ]
    if (broken.length === 0) broken.push(...laterIssues(row, input, record.timestamp, laterRules))
    if (broken.length > 0) {
      const issues = [...broken, ...ageIssues(input, record, maxAgeDays)]
      return { record, code: 'schema_violation', issues }
    }
    if (!isWithinAge(row[eventTime] as number, record.timestamp, maxAgeDays)) {
      return { record, code: 'timestamp_out_of_range', issues: ageIssues(input, record, maxAgeDays) }
    }
    return unwrapped.writer === undefined ? { record, row } : { record, row, writer: unwrapped.writer }
  }
}

/** `lines[3].amount`. */
const placeOfIssue = (
  [field = '', ...parts]: readonly PropertyKey[],
  named: (field: string) => string,
): string =>
  parts.reduce<string>(
    (place, part) => (typeof part === 'number' ? `${place}[${part}]` : `${place}.${String(part)}`),
    named(String(field)),
  )

/** What a parser with a reviver throws where one without does not: it calls itself for each level. */
function exactly(unwrap: Unwrap, record: SourceRecord): Unwrapped | Error {
  try {
    return unwrap(record)
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error))
  }
}

const tooDeep = ({ message }: Error): Issue => ({
  field: '',
  message: `value is nested too deeply for its numbers to be read exactly (${plain(message, DECODER_MESSAGE_LENGTH)})`,
})

interface Completed {
  readonly row: Row
  readonly problems: readonly { readonly field: string; readonly problem: string }[]
}

/**
 * Gives amounts the smallest unit of their currency, which is another field, also those of lines.
 *
 * @returns of a row, and what is wrong with its amounts; of a message that is refused for something else, what is
 *   wrong with those amounts that can be read.
 */
function compileAmounts(fields: Fields): (row: Row | undefined, input: JsonObject) => Completed {
  const complete = amountsOf(fields)
  const ofLines = Object.entries(fields).flatMap(([field, { kind }]) =>
    kind.lines === undefined ? [] : [{ field, complete: amountsOf(kind.lines.fields) }],
  )
  if ([complete, ...ofLines.map((one) => one.complete)].every((one) => one === undefined))
    return (row = {}) => ({ row, problems: [] })
  const needed = Object.keys(fields).filter(
    (name) =>
      fields[name]!.kind.of !== undefined ||
      fields[name]!.kind.name === 'currencyCode' ||
      fields[name]!.kind.lines !== undefined,
  )
  const wires = needed.map((name) => [name, wireOf(fields[name]!)] as const)
  return (row, input) => {
    const problems: { field: string; problem: string }[] = []
    const read: Row =
      row ?? Object.fromEntries(wires.map(([name, wire]) => [name, wire.safeParse(input[name]).data]))
    const completed: Record<string, unknown> = { ...row, ...complete?.(read, read, '', problems) }
    for (const { field, complete: ofLine } of ofLines) {
      const lines = read[field] as readonly Row[] | null | undefined
      if (ofLine === undefined || lines === null || lines === undefined) continue
      completed[field] = lines.map((line, i) => ({
        ...line,
        ...ofLine(line, read, `${field}[${i}].`, problems),
      }))
    }
    return { row: completed, problems: problems.slice(0, TOLD_AMOUNTS) }
  }
}

/** Of a record with many lines these are told. */
const TOLD_AMOUNTS = 20

/** Completes the amounts of a row whose currency is in it or, of a line, in the record; undefined where it has none. */
function amountsOf(fields: Fields) {
  const all = Object.entries(fields).flatMap(
    ([
      field,
      {
        kind,
        options: { at },
      },
    ]) =>
      kind.of === undefined
        ? []
        : [{ field, of: kind.of, isOwn: kind.of in fields, at: typeof at === 'string' ? at : field }],
  )
  if (all.length === 0) return undefined
  return (row: Row, record: Row, prefix: string, problems: { field: string; problem: string }[]): Row => {
    const amounts: Record<string, Amount> = {}
    for (const { field, of, isOwn, at } of all) {
      const amount = row[field] as Amount | null | undefined
      const currency = (isOwn ? row : record)[of]
      if (amount === null || amount === undefined || typeof currency !== 'string') continue
      const completed = ofCurrency(amount, currency)
      if (typeof completed === 'string')
        problems.push({ field: prefix === '' ? field : `${prefix}${at}`, problem: completed })
      else amounts[field] = completed
    }
    return amounts
  }
}

const toIssue = (field: string, message: string): Issue => ({ field, message: `${field} ${message}` })

/** A stream whose facts happen once has no use for the news that one is gone. */
const deletionProblem = ({ value }: SourceRecord, title: string): string =>
  value === null
    ? 'value is null (a tombstone); it must be a JSON object'
    : `value deletes a ${title}; it must be a ${title}, as each one happens once and stays`

/** Where a field's value stands, and what an issue calls it. */
export interface Place {
  readonly name: string
  readonly read: (message: JsonObject, record: SourceRecord, parts: JsonObject) => unknown
}

export function placeOf(field: string, at: FieldOptions['at'] = field): Place {
  if (typeof at === 'string') {
    const parts = at.split('.')
    return { name: at, read: (message) => valueAt(message, parts) }
  }
  if ('envelope' in at) {
    const parts = at.envelope.split('.')
    return {
      name: `${at.envelope} of the envelope`,
      read: (_, __, envelope) => valueAt(envelope, parts),
    }
  }
  if ('key' in at) return { name: 'the key', read: (_, { key }) => textOf(key) }
  const { header } = at
  return {
    name: `the header ${header}`,
    read: (_, { headers }) => textOf(headers.find(({ key }) => key === header)?.value ?? null),
  }
}

const textOf = (bytes: Buffer | null): string | undefined =>
  bytes === null || !isUtf8(bytes) ? undefined : bytes.toString()
