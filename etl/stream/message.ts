import { z } from 'zod'
import { CURRENCY_CODES } from './currencies.ts'
import { excerpt } from '../text/excerpt.ts'
import { parseRfc3339, RFC3339_FORM } from './rfc3339.ts'

/**
 * The contract of a message, field by field. What it accepts comes out in the units of a
 * `Transaction`; what it refuses becomes one issue for each rule that is broken.
 *
 * Only the named fields are read, so unknown ones, `__proto__` and `constructor` among them, do
 * nothing. Messages are made when a rule is broken and never before: the good record is the fast one.
 */

/** RFC 9562 section 4: 8-4-4-4-12 hex digits, any version and variant, the nil and max UUID too. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The first amount that numeric(12,2) doesn't hold. */
const AMOUNT_LIMIT = 10_000_000_000

const TEXT_LENGTH = 50

const shortText = z
  .string(must(`a string of 1 to ${TEXT_LENGTH} characters`))
  .refine(hasTextLength, {
    error: ({ input }) =>
      `is ${excerpt(input)}, ${codePoints(String(input))} characters; it must have 1 to ${TEXT_LENGTH}`,
  })
  .refine((value) => value.isWellFormed(), must('Unicode without lone surrogates'))
  .refine((value) => !value.includes('\0'), must('without NUL characters'))

export const messageSchema = z.object({
  order_id: z
    .string(must('a UUID in a string'))
    .regex(UUID, must('a UUID such as 3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34'))
    .toLowerCase(),
  amount: z
    .number({
      error: ({ input }) =>
        broken(input, typeof input === 'number' ? `between 0 and ${AMOUNT_LIMIT}` : 'a JSON number'),
    })
    .gt(0, must('more than 0'))
    .lt(AMOUNT_LIMIT, must(`less than ${AMOUNT_LIMIT}`))
    .refine(hasWholeCents, must('a number with at most 2 decimals'))
    .transform(toCents),
  currency: z
    .string(must('an ISO 4217 code in a string'))
    .refine((code) => CURRENCY_CODES.has(code), must('an upper-case ISO 4217 code such as EUR')),
  timestamp: z.string(must(RFC3339_FORM)).transform((value, context) => {
    const micros = parseRfc3339(value)
    if (micros !== undefined) return micros
    context.addIssue({ code: 'custom', input: value, message: broken(value, RFC3339_FORM) })
    return z.NEVER
  }),
  customer_id: shortText,
  product_category: shortText,
})

/** The error of a rule, made when a value breaks it. */
function must(accepted: string) {
  return { error: (issue: { readonly input?: unknown }) => broken(issue.input, accepted) }
}

function broken(value: unknown, accepted: string): string {
  return `is ${excerpt(value)}; it must be ${accepted}`
}

/**
 * Whether a parsed number has at most two decimals. The double that is nearest to n hundredths is what
 * dividing n by 100 gives, so a number that differs from that was written with more digits (or so many
 * that the double doesn't show them: 100.00000000000000001 is 100).
 */
function hasWholeCents(amount: number): boolean {
  return Math.abs(amount) >= AMOUNT_LIMIT || toCents(amount) / 100 === amount
}

/** Rounding takes back what multiplying loses: 1.15 × 100 is 114.99999999999999. */
function toCents(amount: number): number {
  return Math.round(amount * 100)
}

function hasTextLength(value: string): boolean {
  if (value.length <= TEXT_LENGTH) return value.length > 0
  return value.length <= TEXT_LENGTH * 2 && codePoints(value) <= TEXT_LENGTH
}

function codePoints(value: string): number {
  let count = 0
  for (const _ of value) count++
  return count
}
