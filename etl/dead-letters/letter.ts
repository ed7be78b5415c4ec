import type { Pool } from 'pg'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { and, desc, eq, gte, inArray, lte, or, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { pipelineBatches } from '../schema/audit.ts'
import { operatorActions } from '../schema/operations.ts'
import { d } from './filter.ts'
import { LINE, type DeadLetterLine } from './list.ts'
import type { Pipeline } from '../job/stages.ts'
import { ACTION, NotFound, type Action } from '../operations/actions.ts'
import type { DeadLetterCode, Issue } from '../stream/types.ts'
import type { RecordHeader } from '../kafka/record.ts'
import { learnStored } from '../ledger/schemas.ts'
import { headersFromJson, originOfRow, parseOrigin, type StoredHeader } from '../ledger/dead-letters.ts'

/** One dead letter with its bytes, and what was done about it. */
export interface DeadLetter extends DeadLetterLine {
  /** Kafka's own time of the record. */
  readonly kafkaTimestamp: Date
  /** Cut where it is longer than was asked for: `keyBytes` and `valueBytes` tell. */
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** The run that rejected it; null where the ledger was pruned. */
  readonly runId: number | null
  /** The first dead letter and its later attempts, this one among them; oldest first. */
  readonly chain: readonly DeadLetterLine[]
  /** Redrives and dismissals that took it up, newest first; not those by a search for text. */
  readonly actions: readonly Action[]
}

const MAX_INT4 = 2_147_483_647
const MAX_CHAIN = 100
const MAX_ACTIONS = 20

/**
 * @param maxBytes of key and value each: bytes come from Postgres as text of twice their length, and a server of
 *   many visitors has not the memory for all that a record may be.
 * @throws NotFound.
 */
export async function readDeadLetter(pool: Pool, id: number, maxBytes = MAX_INT4): Promise<DeadLetter> {
  const firstBytes = (column: PgColumn) => sql<Buffer | null>`substring(${column} from 1 for ${maxBytes})`
  const [row] = await on(pool)
    .select({
      ...LINE,
      kafkaTimestamp: d.kafkaTimestamp,
      key: firstBytes(d.key),
      value: firstBytes(d.value),
      headers: sql<StoredHeader[]>`${d.headers}`,
      origin: originOfRow(d),
      runId: pipelineBatches.runId,
    })
    .from(d)
    .leftJoin(pipelineBatches, eq(pipelineBatches.batchId, d.batchId))
    .where(eq(d.id, id))
  if (row === undefined) throw noDeadLetter(id)
  const { origin, ...letter } = row
  const [chain, actions] = await Promise.all([readChain(pool, letter, origin), readActionsOn(pool, letter)])
  return { ...letter, headers: headersFromJson(letter.headers), chain, actions }
}

/** The key or the value of a dead letter, whatever its size. @throws NotFound where there are no bytes. */
export async function deadLetterBytes(
  pool: Pool,
  id: number,
  part: 'key' | 'value',
): Promise<{ readonly bytes: number; readonly pieces: AsyncIterable<Buffer> }> {
  const [letter] = await on(pool)
    .select({ bytes: sql<number | null>`octet_length(${d[part]})` })
    .from(d)
    .where(eq(d.id, id))
  if (letter === undefined) throw noDeadLetter(id)
  const { bytes } = letter
  if (bytes === null) throw new NotFound(`The ${part} of dead letter ${id} is null.`)
  return { bytes, pieces: piecesOf(pool, id, part, bytes) }
}

/** Bytes in one answer of Postgres. */
const PIECE_BYTES = 1024 * 1024

async function* piecesOf(
  pool: Pool,
  id: number,
  part: 'key' | 'value',
  bytes: number,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const [letter] = await on(pool)
      .select({ piece: sql<Buffer>`substring(${d[part]} from ${at + 1} for ${PIECE_BYTES})` })
      .from(d)
      .where(eq(d.id, id))
    if (letter === undefined) throw noDeadLetter(id) // pruned meanwhile
    yield letter.piece
  }
}

const noDeadLetter = (id: number) => new NotFound(`There is no dead letter ${id}.`)

function readChain(pool: Pool, letter: DeadLetterLine, origin: string): Promise<DeadLetterLine[]> {
  const first = letter.redriveOf ?? origin
  const { topic, partition, incarnation, offset } = parseOrigin(first) ?? letter
  const isFirst = sql`(${d.topic}, ${d.partition}, ${d.incarnation}, ${d.offset}) = (${topic}, ${partition}, ${incarnation}, ${offset})`
  const isOfChain = or(eq(d.redriveOf, first), isFirst)
  return on(pool).select(LINE).from(d).where(isOfChain).orderBy(d.id).limit(MAX_CHAIN)
}

/** By what the actions filtered for: which dead letters each of them met is not kept. */
function readActionsOn(pool: Pool, letter: DeadLetterLine): Promise<Action[]> {
  const { id, createdAt, resolvedAt, failure, code, partition } = letter
  const { target, requestedAt } = ACTION
  const met = sql`(${target} ->> 'throughId')::int8 >= ${id}
    and (not ${target} ? 'ids' or ${target} -> 'ids' @> to_jsonb(${id}::int8))
    and coalesce(${target} ->> 'failure', ${failure}) = ${failure}
    and coalesce(${target} ->> 'code', ${code}) = ${code}
    and coalesce((${target} ->> 'partition')::int4, ${partition}) = ${partition}
    and coalesce((${target} ->> 'since')::timestamptz, ${createdAt}) <= ${createdAt}
    and coalesce((${target} ->> 'until')::timestamptz, 'infinity') > ${createdAt}
    and not ${target} ? 'text'`
  return on(pool)
    .select(ACTION)
    .from(operatorActions)
    .where(
      and(
        inArray(ACTION.action, ['redrive', 'dismiss']),
        met,
        gte(requestedAt, createdAt),
        resolvedAt === null ? undefined : lte(requestedAt, resolvedAt),
      ),
    )
    .orderBy(desc(ACTION.id))
    .limit(MAX_ACTIONS)
}

/** What would become of a record, as far as the message contract decides it. */
export type CheckedValue =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: DeadLetterCode; readonly issues: readonly Issue[] }

/**
 * Holds a value against the contract as if it were sent in place of a dead letter's now: Kafka gives the
 * record a new time. Changes nothing. Whether its order is there already only the load finds out.
 */
export async function checkValue(
  pool: Pool,
  { key, headers }: Pick<DeadLetter, 'key' | 'headers'>,
  value: Buffer | null,
  { stream, maxAgeDays }: Pick<Pipeline, 'stream' | 'maxAgeDays'>,
  now: Date,
): Promise<CheckedValue> {
  const record = { offset: 0, timestamp: now.getTime(), key, headers, value }
  await learnStored(pool, stream.schemas, [record])
  const outcome = stream.validate(record, maxAgeDays)
  return 'code' in outcome
    ? { accepted: false, code: outcome.code, issues: outcome.issues }
    : { accepted: true }
}
