import { z } from 'zod'
import type { SQL } from 'drizzle-orm'
import { alias, and, eq, isNotNull, isNull, sql } from '../postgres/drizzle.ts'
import { DEAD_LETTER_CODES, deadLetters } from '../schema/audit.ts'
import { topicsOf } from '../ledger/watermark.ts'
import { originOfRow } from '../ledger/dead-letters.ts'

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

/** The dead letters of this room's statements: `from ${deadLetters} d`. */
export const d = alias(deadLetters, 'd')

/**
 * The filter as a condition on rows `d` of a stream; nothing of it but its values' places is in the text of the statement.
 *
 * A search looks for the text's UTF-8 bytes in keys and values, so these may hold anything; it reads all
 * that the other conditions leave: some 0.4 s for 100,000 dead letters of 300 bytes.
 */
export function conditionOf(stream: string, filter: DeadLetterFilter): SQL {
  const { ids, failure, code, partition, since, until, text, state } = filter
  const condition = and(
    state === 'all' ? undefined : state === 'open' ? isNull(d.resolvedAt) : isNotNull(d.resolvedAt),
    sql`${d.topic} = any(${topicsOf(stream)})`,
    ids && sql`${d.id} = any(${sql.param(ids)}::int8[])`,
    failure === undefined ? undefined : eq(d.failure, failure),
    code && eq(d.code, code),
    partition === undefined ? undefined : eq(d.partition, partition),
    // As text: a JS date would cut the microseconds.
    since === undefined ? undefined : sql`${d.createdAt} >= ${since}::timestamptz`,
    until === undefined ? undefined : sql`${d.createdAt} < ${until}::timestamptz`,
    text === undefined ? undefined : searched(text),
  )
  return condition!
}

/** Of a key or a value its first 64 KiB are searched. */
function searched(text: string): SQL {
  const bytes = sql`convert_to(${text}::text, 'UTF8')`
  return sql`(${originOfRow(d)} = ${text}
    or position(${text} in ${d.batchId}) > 0
    or exists (select from jsonb_array_elements(${d.issues}) issue where position(${text} in issue ->> 'message') > 0)
    or position(${bytes} in substring(${d.key} from 1 for 65536)) > 0
    or position(${bytes} in substring(${d.value} from 1 for 65536)) > 0)`
}
