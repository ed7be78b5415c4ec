import { ageProblem, isWithinAge } from '../stream/age.ts'
import { plain } from '../text/excerpt.ts'
import { decodeJson, type JsonObject } from '../stream/json.ts'
import { LATER_RULES, laterIssues } from '../stream/later-rules.ts'
import { messageSchema } from '../stream/message.ts'
import { parseRfc3339 } from '../stream/rfc3339.ts'
import type { Issue, Rejection, Transaction, ValidRecord } from '../stream/types.ts'
import type { SourceRecord } from '../kafka/record.ts'

/** What of the contract is configured. */
export interface ValidationRules {
  /** TRANSACTION_MAX_AGE_DAYS: how much older than its record a transaction may be, in days. */
  readonly maxAgeDays: number
}

/** Code points of a decoder's message that an issue shows. */
const DECODER_MESSAGE_LENGTH = 300

/**
 * Holds each record against the message contract (contract/message.ts, later-rules.ts). Every record comes out once, as
 * valid or as rejected, each list in the order of the records. Never throws, and depends on nothing
 * but its arguments: the same record is decided in the same way at any time.
 */
export function validate(
  records: readonly SourceRecord[],
  rules: ValidationRules,
): { valid: ValidRecord[]; rejected: Rejection[] } {
  const valid: ValidRecord[] = []
  const rejected: Rejection[] = []
  for (const record of records) {
    const outcome = validateRecord(record, rules)
    if ('transaction' in outcome) valid.push(outcome)
    else rejected.push(outcome)
  }
  return { valid, rejected }
}

/** Holds one record against the contract; a rejection lists everything that is wrong with it. */
export function validateRecord(
  record: SourceRecord,
  rules: ValidationRules,
  laterRules = LATER_RULES,
): ValidRecord | Rejection {
  if (record.undecodable !== undefined) {
    const message = `value could not be decoded (${plain(record.undecodable, DECODER_MESSAGE_LENGTH)})`
    return { record, code: 'undecodable', issues: [{ field: '', message }] }
  }
  const decoded = decodeJson(record.value)
  if ('code' in decoded) {
    return { record, code: decoded.code, issues: [{ field: '', message: decoded.problem }] }
  }
  const parsed = messageSchema.safeParse(decoded.object)
  if (!parsed.success) {
    const issues = [...parsed.error.issues.map(toIssue), ...ageIssues(decoded.object, record, rules)]
    return { record, code: 'schema_violation', issues }
  }
  const message = parsed.data
  const transaction: Transaction = {
    orderId: message.order_id,
    amountCents: message.amount,
    currency: message.currency,
    timestampMicros: message.timestamp,
    customerId: message.customer_id,
    productCategory: message.product_category,
  }
  const later = laterIssues(transaction, decoded.object, record.timestamp, laterRules)
  if (later.length > 0) {
    const issues = [...later, ...ageIssues(decoded.object, record, rules)]
    return { record, code: 'schema_violation', issues }
  }
  if (!isWithinAge(message.timestamp, record.timestamp, rules.maxAgeDays)) {
    return { record, code: 'timestamp_out_of_range', issues: ageIssues(decoded.object, record, rules) }
  }
  return { record, transaction }
}

function toIssue(issue: { readonly path: readonly PropertyKey[]; readonly message: string }): Issue {
  const field = String(issue.path[0] ?? '')
  return { field, message: `${field} ${issue.message}` }
}

/** The issue of a well-formed timestamp that is out of range, whatever else is wrong with the record. */
function ageIssues(
  { timestamp }: JsonObject,
  record: SourceRecord,
  { maxAgeDays }: ValidationRules,
): Issue[] {
  const micros = typeof timestamp === 'string' ? parseRfc3339(timestamp) : undefined
  if (micros === undefined || isWithinAge(micros, record.timestamp, maxAgeDays)) return []
  return [{ field: 'timestamp', message: ageProblem(timestamp, record.timestamp, maxAgeDays) }]
}
