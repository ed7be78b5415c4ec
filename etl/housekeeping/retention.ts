import type { Pool } from 'pg'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { daysOf } from '../stream/age.ts'
import type { Stream } from '../stream/compile.ts'
import type { Definition } from '../stream/definition.ts'
import type { Config } from '../process/config.ts'

const DAY_MS = 86_400_000

type Declared = Pick<Definition, 'maxAge' | 'keep'>

/**
 * How much older than its record what it tells of may be, in days: as declared, else by the settings, which don't accept
 * what would be dropped for its age right away.
 */
export function acceptedAgeDays(config: Config<'etl' | 'housekeeping'>, { maxAge }: Declared = {}): number {
  if (maxAge !== undefined) return daysOf(maxAge)!
  return Math.min(config.TRANSACTION_MAX_AGE_DAYS, config.RETENTION_DAYS ?? Infinity)
}

/**
 * How long facts are kept, in days: as declared; where nothing is declared of their age, by the setting. Undefined: for
 * ever.
 */
export function keptDays(
  { RETENTION_DAYS }: Config<'housekeeping'>,
  { maxAge, keep }: Declared,
): number | undefined {
  if (keep !== undefined) return daysOf(keep)!
  return maxAge === undefined ? RETENTION_DAYS : undefined
}

/**
 * Why facts of a stream can't be dropped when they are as old as it says, if so: a record of them may come again, and
 * would be loaded a second time. By the rule that keys have: what is older than `keep` must be refused for its age
 * whichever record that the log may still hold brings it.
 *
 * @param topic its settings by Kafka's names, read now.
 * @returns a sentence, or undefined where all is well, or where the stream declares nothing of it.
 */
export function keepsTooShort(
  { maxAge, keep }: Declared,
  topic: Readonly<Record<string, string>>,
): string | undefined {
  if (keep === undefined || maxAge === undefined) return undefined
  const needed = keyAgeDays(daysOf(maxAge)!, topic)
  if (needed === undefined)
    return 'facts are not dropped: by its settings the topic may bring any of its records again (it is compacted, kept for ever, or has the producers’ time)'
  if (daysOf(keep)! >= needed) return undefined
  return `facts are not dropped: keep is ${keep}, but maxAge (${maxAge}) and what the topic keeps (retention.ms ${topic['retention.ms']}, segment.ms ${topic['segment.ms']}) need ${needed} days`
}

/**
 * From which age on, in days, an order's key may go, so that the order can't be loaded a second time. A
 * record of it that the log still holds was stored at most retention.ms ago, and up to segment.ms earlier,
 * as Kafka deletes whole segments by the age of their newest record. An order that is older than that and
 * `retentionDays` is refused as `timestamp_out_of_range` whichever of these records brings it again, and so
 * it is when it is sent anew. A day more is for clocks that differ.
 *
 * @param topic its settings by Kafka's names.
 * @returns undefined where keys must stay for ever: the log keeps its records, or their time is what the
 *   producer says and can be any.
 */
export function keyAgeDays(
  retentionDays: number,
  topic: Readonly<Record<string, string>>,
): number | undefined {
  const kept = Number(topic['retention.ms'])
  const segment = Number(topic['segment.ms'])
  const deletes = topic['cleanup.policy']?.includes('delete') === true
  if (!deletes || !(kept >= 0 && segment >= 0)) return undefined
  if (topic['message.timestamp.type'] !== 'LogAppendTime') return undefined
  const days = retentionDays + Math.ceil((kept + segment) / DAY_MS) + 1
  return days <= MAX_DAYS ? days : undefined
}

/** Postgres' timestamps begin in 4713 BC: further back nothing can be. */
const MAX_DAYS = 1_000_000

/**
 * Deletes the keys of a stream that are older than `days` and whose facts were dropped, stretch by stretch
 * of the table, each in a transaction of its own. What a load claims meanwhile is young and stays.
 *
 * @param goOn throws where it is to end here; the rest goes another time.
 * @param days of `keyAgeDays`, which says why nothing is loaded twice.
 * @returns how many.
 */
export async function dropKeys(pool: Pool, stream: Stream, days: number, goOn: () => void): Promise<number> {
  let dropped = 0
  for (let page: number | null = 0; page !== null;) {
    goOn()
    const stretch: Stretch = await dropStretch(pool, stream, days, page)
    dropped += stretch.deleted
    page = stretch.next_page
  }
  return dropped
}

/**
 * Prunes the history of a stream to so many versions of each key as it declares, some thousand keys in a transaction.
 *
 * @param goOn throws where it is to end here; the rest goes another time.
 * @returns how many versions went.
 */
export async function pruneVersions(pool: Pool, { name }: Stream, goOn: () => void): Promise<number> {
  for (let all = 0; ;) {
    goOn()
    const pruned = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ n: number }>('select audit.prune_versions($1) as n', [name])
      return commit(rows[0]!.n)
    })
    if (pruned === 0) return all
    all += pruned
  }
}

interface Stretch {
  readonly deleted: number
  readonly next_page: number | null
}

function dropStretch(pool: Pool, { name }: Stream, days: number, fromPage: number): Promise<Stretch> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<Stretch>('select * from audit.drop_keys($1, $2, $3)', [
      name,
      days,
      fromPage,
    ])
    return commit(rows[0]!)
  })
}
