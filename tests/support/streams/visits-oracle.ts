import {
  decimal,
  flag,
  instant,
  isInTime,
  isRead,
  money,
  objectIn,
  oneOf,
  optional,
  text,
  whole,
} from '../../hostile/readings.ts'

/** What must become of a visit by its bytes alone. */
export interface Visit {
  readonly session: string
  readonly page: string
  readonly micros: bigint
  readonly kind: string
  readonly seconds: number | null
  readonly note: string | null
  /** With two decimals. */
  readonly basket: string | null
  readonly isNew: boolean
  readonly tags: readonly string[]
}

export type VisitVerdict =
  | { readonly code: 'malformed_json' | 'schema_violation' | 'timestamp_out_of_range' }
  | { readonly fact: Visit }

const isTag = text(9)

/** @param kafkaMs the record's own time in Kafka, milliseconds since 1970. */
export function judge(value: Buffer | null, kafkaMs: number): VisitVerdict {
  const said = objectIn(value)
  if (typeof said === 'string') return { code: said }
  const { tags } = said
  const hundredths = optional(said['basket'], money)
  const visit = {
    session: text(40)(said['session']),
    page: text(200)(said['page']),
    micros: instant(said['at']),
    kind: oneOf('view', 'search', 'purchase')(said['kind']),
    seconds: optional(said['seconds'], whole(0, 86_400)),
    note: optional(said['note'], text(20)),
    basket: typeof hundredths === 'bigint' ? decimal(hundredths) : hundredths,
    isNew: said['is_new'] === undefined ? false : flag(said['is_new']),
    tags:
      Array.isArray(tags) && tags.every((tag) => isTag(tag) !== undefined) ? (tags as string[]) : undefined,
  }
  if (!isRead(visit)) return { code: 'schema_violation' }
  return isInTime(visit.micros, kafkaMs, 1_095) ? { fact: visit } : { code: 'timestamp_out_of_range' }
}
