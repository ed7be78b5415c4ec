import type { Pool } from 'pg'
import { LINE, type DeadLetterLine } from './list.ts'
import { validateRecord, type ValidationRules } from '../job/validate.ts'
import { ACTION_COLUMNS, NotFound, type Action } from '../operations/actions.ts'
import type { DeadLetterCode, Issue } from '../stream/types.ts'
import type { RecordHeader } from '../kafka/record.ts'
import { headersFromJson, ORIGIN_OF_D, parseOrigin, type StoredHeader } from '../ledger/dead-letters.ts'

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

/** What would become of a record, as far as the message contract decides it. */
export type CheckedValue =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: DeadLetterCode; readonly issues: readonly Issue[] }

/**
 * Holds a value against the contract as if it were sent in place of a dead letter's now: Kafka gives the
 * record a new time. Changes nothing. Whether its order is there already only the load finds out.
 */
export function checkValue(
  { key, headers }: Pick<DeadLetter, 'key' | 'headers'>,
  value: Buffer | null,
  rules: ValidationRules,
  now: Date,
): CheckedValue {
  const outcome = validateRecord({ offset: 0, timestamp: now.getTime(), key, headers, value }, rules)
  return 'transaction' in outcome
    ? { accepted: true }
    : { accepted: false, code: outcome.code, issues: outcome.issues }
}
