import { z } from 'zod'
import { RUN_KINDS, RUN_STATUSES } from '../../status/runs.ts'
import { id } from '../../web/fields.ts'

/** What a form sends for a field that was left empty counts as not given. */
const blank = (value: unknown): unknown => (value === '' ? undefined : value)

export const RunListQuery = z.object({
  status: z.preprocess(blank, z.enum(RUN_STATUSES).optional()),
  kind: z.preprocess(blank, z.enum(RUN_KINDS).optional()),
  worker: z.preprocess(blank, z.string().max(200).optional()),
  since: z.preprocess(blank, z.enum(['1h', '24h', '7d']).optional()),
  before: z.preprocess(blank, id.optional()),
})
export type RunListQuery = z.infer<typeof RunListQuery>
