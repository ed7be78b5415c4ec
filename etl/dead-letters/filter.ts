import { z } from 'zod'
import { DEAD_LETTER_CODES } from '../schema/audit.ts'
import { ORIGIN_OF_D } from '../ledger/dead-letters.ts'

/** A whole number, also as the text that it is in an address: `?partition=0`. */
const wholeNumber = (min: number, max: number) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,16}$/, 'it is no whole number')
        .transform(Number),
    ])
    .pipe(z.int().min(min).max(max))
const id = wholeNumber(1, Number.MAX_SAFE_INTEGER)
const moment = z.iso.datetime({ offset: true })

/** Which dead letters: those for which everything holds that is given. Console, API and pulse all parse this. */
export const deadLetterFilter = z.strictObject({
  ids: z.union([z.array(id).min(1).max(1_000), id.transform((one) => [one])]).optional(),
  /** What went wrong, as dead letters are grouped by: the code, and the field of the first issue. */
  failure: z.string().min(1).max(200).optional(),
  code: z.enum(DEAD_LETTER_CODES).optional(),
  partition: wholeNumber(0, 2_147_483_647).optional(),
  /** Rejected at that time or later, ISO 8601. */
  since: moment.optional(),
  /** Rejected before that time. */
  until: moment.optional(),
  /** Searched for, as it is written, in issues, batch, key and value; or the whole origin. */
  text: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^\0]*$/, 'it holds a NUL')
    .optional(),
  state: z.enum(['open', 'resolved', 'all']).default('open'),
})
export type DeadLetterFilter = Readonly<z.output<typeof deadLetterFilter>>

/** What of a key or a value is searched. */
const SEARCHED_BYTES = 64 * 1024

/**
 * The filter as a condition on rows `d` of audit.dead_letters; nothing of it but its values' places is in
 * the text of the statement.
 *
 * A search looks for the text's UTF-8 bytes in keys and values, so these may hold anything; it reads all
 * that the other conditions leave: some 0.4 s for 100,000 dead letters of 300 bytes.
 */
export function conditionOf(filter: DeadLetterFilter): {
  readonly where: string
  readonly values: unknown[]
} {
  const values: unknown[] = []
  const conditions: string[] = []
  const add = (condition: (place: string) => string, value: unknown) => {
    if (value !== undefined) conditions.push(condition(`$${values.push(value)}`))
  }
  if (filter.state !== 'all') conditions.push(`d.resolved_at is ${filter.state === 'open' ? '' : 'not '}null`)
  add((ids) => `d.id = any(${ids}::int8[])`, filter.ids)
  add((failure) => `d.failure = ${failure}`, filter.failure)
  add((code) => `d.code = ${code}`, filter.code)
  add((partition) => `d.partition = ${partition}::int4`, filter.partition)
  add((since) => `d.created_at >= ${since}::timestamptz`, filter.since)
  add((until) => `d.created_at < ${until}::timestamptz`, filter.until)
  add(searched, filter.text)
  return { where: conditions.length === 0 ? 'true' : conditions.join(' and '), values }
}

function searched(text: string): string {
  const bytes = `convert_to(${text}::text, 'UTF8')`
  return `(${ORIGIN_OF_D} = ${text}
    or position(${text} in d.batch_id) > 0
    or exists (select from jsonb_array_elements(d.issues) issue where position(${text} in issue ->> 'message') > 0)
    or position(${bytes} in substring(d.key from 1 for ${SEARCHED_BYTES})) > 0
    or position(${bytes} in substring(d.value from 1 for ${SEARCHED_BYTES})) > 0)`
}
