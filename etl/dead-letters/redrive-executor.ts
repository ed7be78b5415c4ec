import type { ClientBase, Pool } from 'pg'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { redriveMessage } from '../job/dead-letter-message.ts'
import { isTooLarge, type RecordProducer } from '../kafka/producer.ts'
import {
  headersFromJson,
  MAX_PUBLISHED_BYTES,
  originOfRow,
  parseOrigin,
  type StoredHeader,
} from '../ledger/dead-letters.ts'
import { knownOrigins } from '../ledger/redrives.ts'
import { sql } from '../postgres/drizzle.ts'
import { columnsOf, read } from '../postgres/query.ts'
import { deadLetters } from '../schema/audit.ts'
import { d } from './filter.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Executor } from '../operations/background.ts'
import { walkExecutor, type Walk } from './bulk-action.ts'
import { isSingle, skipReason, type RedriveResult, type SkipReason } from './redrive.ts'

export interface RedriveExecutor {
  readonly pool: Pool
  readonly producer: RecordProducer
  readonly topic: string
}

/**
 * Sends in steps, and marks what was sent and how far it came in one transaction after each. At least once:
 * after a crash in between the step is sent again, and the load takes the second copy for a duplicate.
 */
export function redriveExecutor(executor: RedriveExecutor): Executor {
  const { pool } = executor
  return walkExecutor(pool, NOTHING, async (job, walk, { done, position, result }) => {
    const letters = await nextLetters(executor, walk, position, job.payload !== null)
    const last = letters.at(-1)
    if (last === undefined) return undefined
    const sent = await send(executor, await outgoing(pool, letters, job.payload))
    const place = {
      done: done + letters.length,
      position: last.id,
      result: { ...added(result, letters, sent) },
    }
    return inTransaction(pool, async (client) => {
      await markRedriven(client, sent)
      await job.saveProgress(client, place)
      return commit(place)
    })
  })
}

const NOTHING: RedriveResult = { sent: 0, skipped: {}, tooLarge: [] }
const MAX_NAMED = 20

function added(result: RedriveResult, letters: readonly Letter[], sent: readonly Letter[]): RedriveResult {
  const skipped = { ...result.skipped }
  const tooLarge = [...result.tooLarge]
  const gone = new Set(sent.map(({ id }) => id))
  for (const { id, skip } of letters) {
    if (gone.has(id)) continue
    const reason = skip ?? 'too_large'
    skipped[reason] = (skipped[reason] ?? 0) + 1
    if (reason === 'too_large' && tooLarge.length < MAX_NAMED) tooLarge.push(id)
  }
  return { sent: result.sent + sent.length, skipped, tooLarge }
}

type Letter = Awaited<ReturnType<typeof nextLetters>>[number]

const STEP_LETTERS = 200
/** kafkajs makes one record batch of a send's records for a partition, and the topic takes 1 MiB. */
const STEP_BYTES = 512 * 1024

/** The next ones after a position, at least one: without their bytes where they are not to be sent. */
async function nextLetters(
  { pool, topic }: RedriveExecutor,
  { where, filter }: Walk,
  position: number,
  corrected: boolean,
) {
  const skip = sql`coalesce(${skipReason(topic, corrected, isSingle(filter))},
    case when size.bytes > ${MAX_PUBLISHED_BYTES} then 'too_large' end)`
  const rows = await read(
    pool,
    {
      ...columnsOf(d, 'id', 'attempts', 'redriveOf'),
      origin: originOfRow(d),
      skip: sql<SkipReason | null>`sized.skip`,
      headers: sql<StoredHeader[]>`${d.headers}`,
      key: unlessSkipped(d.key),
      value: unlessSkipped(d.value),
    },
    (columns) => sql`
      select ${columns}
      from (
        select id, skip,
               sum(case when skip is null then bytes else 0 end)
                 over (order by id rows unbounded preceding exclude current row) as before
        from (
          select ${d.id}, ${skip} as skip, size.bytes
          from ${deadLetters} d
          cross join lateral (
            select coalesce(octet_length(${d.key}), 0) + coalesce(octet_length(${d.value}), 0) + octet_length(${d.headers}::text) as bytes
          ) size
          where ${where} and ${d.id} > ${position}
          order by ${d.id} limit ${STEP_LETTERS}
        ) oldest
      ) sized
      join ${deadLetters} d using (id)
      where coalesce(sized.before, 0) < ${STEP_BYTES}
      order by id`,
  )
  return rows.map((row) => ({ ...row, headers: headersFromJson(row.headers) }))
}

const unlessSkipped = (column: PgColumn) =>
  sql<Buffer | null>`case when sized.skip is null then ${column} end`

interface Outgoing {
  readonly letter: Letter
  readonly message: ReturnType<typeof redriveMessage>
}

/** A later attempt names the first one of its chain; where that was pruned it is the first itself. */
async function outgoing(
  pool: Pool,
  letters: readonly Letter[],
  corrected: Buffer | null,
): Promise<Outgoing[]> {
  const firsts = letters.flatMap(({ redriveOf }) => parseOrigin(redriveOf ?? '') ?? [])
  const known = firsts.length === 0 ? new Set<string>() : await knownOrigins(pool, firsts)
  return letters
    .filter(({ skip }) => skip === null)
    .map((letter) => {
      const { redriveOf, origin, value } = letter
      const first = redriveOf !== null && known.has(redriveOf) ? redriveOf : origin
      return { letter, message: redriveMessage(letter, corrected ?? value, first) }
    })
}

/** What the topic took. All at once; where that is too large, in halves, down to the one that is. */
async function send(executor: RedriveExecutor, letters: readonly Outgoing[]): Promise<Letter[]> {
  if (letters.length === 0) return []
  try {
    await executor.producer.send(
      executor.topic,
      letters.map(({ message }) => message),
    )
    return letters.map(({ letter }) => letter)
  } catch (error) {
    if (!isTooLarge(error)) throw error
    if (letters.length === 1) return []
    const middle = Math.ceil(letters.length / 2)
    return [
      ...(await send(executor, letters.slice(0, middle))),
      ...(await send(executor, letters.slice(middle))),
    ]
  }
}

/**
 * Marks that their outcome is not known, unless a load was faster: it has resolved the dead letter then, or
 * the first one's attempts have grown. Both are looked at under the row's lock; locked in the order of ids.
 */
async function markRedriven(client: ClientBase, sent: readonly Letter[]): Promise<void> {
  await client.query(
    `with locked as (
       select d.id from audit.dead_letters d join unnest($1::int8[], $2::int4[]) as sent (id, attempts) using (id)
       where d.resolved_at is null and d.attempts = sent.attempts
       order by d.id for update of d
     )
     update audit.dead_letters d set redriven_at = now() from locked where d.id = locked.id`,
    [sent.map(({ id }) => id), sent.map(({ attempts }) => attempts)],
  )
}
