import { z } from 'zod'

/** How numbers are read of the environment: texts. */

export const wholeNumberSetting = (min: number, max: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d+$/, `is not a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `is outside ${min} to ${max}`)

export const decimalSetting = (min: number, max: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d*\.?\d+$/, `is not a number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `is outside ${min} to ${max}`)
