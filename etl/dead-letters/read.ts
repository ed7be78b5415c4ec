import type { Pool } from 'pg'
import { conditionOf, type DeadLetterFilter } from './filter.ts'
import { ACTION_COLUMNS, NotFound, type Action } from '../operations/actions.ts'
import type { DeadLetterCode, Issue } from '../stream/types.ts'
import type { RecordHeader } from '../kafka/record.ts'
import {
  headersFromJson,
  ORIGIN_OF_D,
  parseOrigin,
  type Origin,
  type StoredHeader,
} from '../ledger/dead-letters.ts'

/** Dead letters that failed alike. */
export interface DeadLetterGroup {
  /** The code, and the field of the first issue: what a filter takes. */
  readonly failure: string
  readonly code: DeadLetterCode
  /** '' where the record as a whole is meant. */
  readonly field: string
  readonly count: number
  /** Of them, those sent again whose outcome is not known yet. */
  readonly waiting: number
  readonly firstAt: Date
  readonly lastAt: Date
  /** The latest one, and the first thing that is wrong with it. */
  readonly sample: { readonly id: number; readonly message: string | null }
}

/** How many groups a look at them shows at most. */
export const MAX_GROUPS = 200

/**
 * Largest first. The two aggregates are apart, because each is answered by an index of its own: of 100,000
 * open ones no row has to be read.
 */
export async function groupDeadLetters(pool: Pool, filter: DeadLetterFilter): Promise<DeadLetterGroup[]> {
  const { where, values } = conditionOf(filter)
  const { rows } = await pool.query<DeadLetterGroup>(
    `select g.failure, d.code, coalesce(d.issues -> 0 ->> 'field', '') as field, g.count, coalesce(w.waiting, 0) as waiting,
            g.first_at as "firstAt", g.last_at as "lastAt",
            json_build_object('id', d.id, 'message', d.issues -> 0 ->> 'message') as sample
     from (
       select d.failure, count(*) as count, min(d.created_at) as first_at, max(d.created_at) as last_at, max(d.id) as latest
       from audit.dead_letters d where ${where}
       group by d.failure
     ) g
     left join (
       select d.failure, count(*) as waiting
       from audit.dead_letters d where ${where} and d.resolved_at is null and d.redriven_at is not null
       group by d.failure
     ) w using (failure)
     join audit.dead_letters d on d.id = g.latest
     order by g.count desc, g.failure limit ${MAX_GROUPS}`,
    values,
  )
  return rows
}

/** A dead letter without its payload. */
export interface DeadLetterLine extends Origin {
  readonly id: number
  readonly code: DeadLetterCode
  readonly failure: string
  readonly issues: readonly Issue[]
  readonly batchId: string
  readonly keyBytes: number | null
  readonly valueBytes: number | null
  /** How often it failed again after a redrive; counted on the first one of a chain. */
  readonly attempts: number
  /** The origin of the first one of its chain, where this is a later attempt. */
  readonly redriveOf: string | null
  readonly createdAt: Date
  readonly publishedAt: Date | null
  /** Sent again, and what became of it is not known yet. */
  readonly redrivenAt: Date | null
  readonly resolvedAt: Date | null
  readonly resolution: string | null
}

const LINE = `d.id, d.topic, d.partition, d."offset", d.incarnation, d.code, d.failure, d.issues, d.batch_id as "batchId",
  octet_length(d.key) as "keyBytes", octet_length(d.value) as "valueBytes", d.attempts, d.redrive_of as "redriveOf",
  d.created_at as "createdAt", d.published_at as "publishedAt", d.redriven_at as "redrivenAt",
  d.resolved_at as "resolvedAt", d.resolution`

/** Newest first; `before` pages on from an id. */
export async function listDeadLetters(
  pool: Pool,
  filter: DeadLetterFilter,
  { limit, before }: { readonly limit: number; readonly before?: number | undefined },
): Promise<DeadLetterLine[]> {
  const { where, values } = conditionOf(filter)
  const { rows } = await pool.query<DeadLetterLine>(
    `select ${LINE} from audit.dead_letters d
     where ${where} and ($${values.length + 1}::int8 is null or d.id < $${values.length + 1})
     order by d.id desc limit $${values.length + 2}`,
    [...values, before ?? null, limit],
  )
  return rows
}

export async function countDeadLetters(pool: Pool, filter: DeadLetterFilter): Promise<number> {
  const { where, values } = conditionOf(filter)
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) as count from audit.dead_letters d where ${where}`,
    values,
  )
  return rows[0]!.count
}

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
  type Row = DeadLetterLine &
    Pick<DeadLetter, 'kafkaTimestamp' | 'key' | 'value' | 'runId'> & {
      headers: StoredHeader[]
      origin: string
    }
  const { rows } = await pool.query<Row>(
    `select ${LINE}, d.kafka_timestamp as "kafkaTimestamp", substring(d.key from 1 for $2) as key,
            substring(d.value from 1 for $2) as value, d.headers, ${ORIGIN_OF_D} as origin,
            (select run_id from audit.pipeline_batches b where b.batch_id = d.batch_id) as "runId"
     from audit.dead_letters d where d.id = $1`,
    [id, maxBytes],
  )
  if (rows[0] === undefined) throw noDeadLetter(id)
  const { origin, ...letter } = rows[0]
  const [chain, actions] = await Promise.all([readChain(pool, letter, origin), readActionsOn(pool, letter)])
  return { ...letter, headers: headersFromJson(letter.headers), chain, actions }
}

/** The key or the value of a dead letter, whatever its size. @throws NotFound where there are no bytes. */
export async function deadLetterBytes(
  pool: Pool,
  id: number,
  part: 'key' | 'value',
): Promise<{ readonly bytes: number; readonly pieces: AsyncIterable<Buffer> }> {
  const { rows } = await pool.query<{ bytes: number | null }>(
    `select octet_length(${part}) as bytes from audit.dead_letters where id = $1`,
    [id],
  )
  if (rows[0] === undefined) throw noDeadLetter(id)
  const { bytes } = rows[0]
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
    const { rows } = await pool.query<{ piece: Buffer }>(
      `select substring(${part} from $2 for ${PIECE_BYTES}) as piece from audit.dead_letters where id = $1`,
      [id, at + 1],
    )
    if (rows[0] === undefined) throw noDeadLetter(id) // pruned meanwhile
    yield rows[0].piece
  }
}

const noDeadLetter = (id: number) => new NotFound(`There is no dead letter ${id}.`)

async function readChain(pool: Pool, letter: DeadLetterLine, origin: string): Promise<DeadLetterLine[]> {
  const first = letter.redriveOf ?? origin
  const at = parseOrigin(first) ?? letter
  const { rows } = await pool.query<DeadLetterLine>(
    `select ${LINE} from audit.dead_letters d
     where d.redrive_of = $1 or (d.topic = $2 and d.partition = $3 and d.incarnation = $4 and d."offset" = $5)
     order by d.id limit ${MAX_CHAIN}`,
    [first, at.topic, at.partition, at.incarnation, at.offset],
  )
  return rows
}

/** By what the actions filtered for: which dead letters each of them met is not kept. */
async function readActionsOn(pool: Pool, letter: DeadLetterLine): Promise<Action[]> {
  const { rows } = await pool.query<Action>(
    `select ${ACTION_COLUMNS} from audit.operator_actions
     where action in ('redrive', 'dismiss')
       and (target ->> 'throughId')::int8 >= $1 and requested_at >= $2
       and ($3::timestamptz is null or requested_at <= $3)
       and (not target ? 'ids' or target -> 'ids' @> to_jsonb($1::int8))
       and coalesce(target ->> 'failure', $4) = $4
       and coalesce(target ->> 'code', $5) = $5
       and coalesce((target ->> 'partition')::int4, $6) = $6
       and coalesce((target ->> 'since')::timestamptz, $2) <= $2
       and coalesce((target ->> 'until')::timestamptz, 'infinity') > $2
       and not target ? 'text'
     order by id desc limit ${MAX_ACTIONS}`,
    [letter.id, letter.createdAt, letter.resolvedAt, letter.failure, letter.code, letter.partition],
  )
  return rows
}
