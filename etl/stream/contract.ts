import { z } from 'zod'
import type { SourceRecord } from '../kafka/record.ts'
import { plain } from '../text/excerpt.ts'
import { ageProblem, isWithinAge } from './age.ts'
import type { Definition } from './definition.ts'
import { type Row, wireOf } from './field.ts'
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
export function compileContract({ fields, eventTime, laterRules = [] }: Definition): Validate {
  const schema = z.compile(
    z.object(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, wireOf(field)]))),
  )
  const timeWire = wireOf(fields[eventTime]!)

  /** The issue of a well-formed time that is out of range, whatever else is wrong with the record. */
  const ageIssues = (message: JsonObject, { timestamp }: SourceRecord, maxAgeDays: number): Issue[] => {
    const { success, data } = timeWire.safeParse(message[eventTime])
    if (!success || isWithinAge(data as number, timestamp, maxAgeDays)) return []
    return [{ field: eventTime, message: ageProblem(eventTime, message[eventTime], timestamp, maxAgeDays) }]
  }

  return (record, maxAgeDays) => {
    if (record.undecodable !== undefined) {
      const message = `value could not be decoded (${plain(record.undecodable, DECODER_MESSAGE_LENGTH)})`
      return { record, code: 'undecodable', issues: [{ field: '', message }] }
    }
    const decoded = decodeJson(record.value)
    if ('code' in decoded)
      return { record, code: decoded.code, issues: [{ field: '', message: decoded.problem }] }

    const parsed = schema.safeParse(decoded.object)
    const broken = parsed.success
      ? laterIssues(parsed.data as Row, decoded.object, record.timestamp, laterRules)
      : parsed.error.issues.map(toIssue)
    if (broken.length > 0) {
      const issues = [...broken, ...ageIssues(decoded.object, record, maxAgeDays)]
      return { record, code: 'schema_violation', issues }
    }
    const row = parsed.data as Row
    if (!isWithinAge(row[eventTime] as number, record.timestamp, maxAgeDays)) {
      return { record, code: 'timestamp_out_of_range', issues: ageIssues(decoded.object, record, maxAgeDays) }
    }
    return { record, row }
  }
}

function toIssue(issue: { readonly path: readonly PropertyKey[]; readonly message: string }): Issue {
  const field = String(issue.path[0] ?? '')
  return { field, message: `${field} ${issue.message}` }
}
