import type { ClientBase, Pool } from 'pg'
import type { DeadLetterCode, Issue, Rejection } from '../stream/types.ts'
import type { SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { alias, and, eq, gte, inArray, isNull, lt, sql } from '../postgres/drizzle.ts'
import { on, read } from '../postgres/query.ts'
import { deadLetters, partitionProgress } from '../schema/audit.ts'
import { recordBytes, type RecordHeader } from '../kafka/record.ts'
import { byteas, int8s, texts } from '../postgres/binary-arrays.ts'
import type { PartitionId } from './watermark.ts'

/** Where a record was consumed: what names a dead letter outside the warehouse. */
export interface Origin extends PartitionId {
  readonly offset: number
  readonly incarnation: number
}

/** topic:partition:offset, with the incarnation from the second on: the key on the dead-letter topic. */
export function originOf({ topic, partition, offset, incarnation }: Origin): string {
  const origin = `${topic}:${partition}:${offset}`
  return incarnation === 1 ? origin : `${origin}:${incarnation}`
}

/** The same of a row of audit.dead_letters, in SQL. */
export const originOfRow = (row: Readonly<Record<keyof Origin, PgColumn>>): SQL<string> =>
  sql`(${row.topic} || ':' || ${row.partition} || ':' || ${row.offset}
    || case when ${row.incarnation} = 1 then '' else ':' || ${row.incarnation} end)`

const MAX_INT4 = 2_147_483_647

/** An origin from elsewhere, or undefined where it is none that `originOf` writes and the columns hold. */
export function parseOrigin(text: string): Origin | undefined {
  const match = /^([a-zA-Z0-9._-]{1,249}):(\d{1,10}):(\d{1,16})(?::(\d{1,10}))?$/.exec(text)
  if (match === null) return undefined
  const [, topic, partition, offset, incarnation = 1] = match
  const origin = {
    topic: topic!,
    partition: Number(partition),
    offset: Number(offset),
    incarnation: Number(incarnation),
  }
  const fits =
    origin.partition <= MAX_INT4 && origin.incarnation <= MAX_INT4 && Number.isSafeInteger(origin.offset)
  return fits && originOf(origin) === text ? origin : undefined
}

/**
 * Writes a batch's dead letters, ascending by offset, in the load transaction.
 *
 * @param redrives by offset: the first dead letter that the record was sent again for.
 */
export async function insertDeadLetters(
  client: ClientBase,
  rejections: readonly Rejection[],
  origin: PartitionId & { incarnation: number; batchId: string },
  redrives: ReadonlyMap<number, string>,
): Promise<void> {
  for (const chunk of chunksOf(rejections)) {
    await client.query({
      text: `insert into audit.dead_letters
               (topic, partition, incarnation, batch_id, "offset", kafka_timestamp, key, value, headers, code, issues, redrive_of)
             select $1, $2, $3, $4, d."offset", to_timestamp(d.ms::double precision / 1000), d.key, d.value, d.headers::jsonb, d.code, d.issues::jsonb, d.redrive_of
             from unnest($5::int8[], $6::int8[], $7::bytea[], $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[])
               as d ("offset", ms, key, value, headers, code, issues, redrive_of)`,
      values: [
        origin.topic,
        origin.partition,
        origin.incarnation,
        origin.batchId,
        int8s(chunk.map(({ record }) => record.offset)),
        int8s(chunk.map(({ record }) => record.timestamp)),
        byteas(chunk.map(({ record }) => record.key)),
        byteas(chunk.map(({ record }) => record.value)),
        texts(chunk.map(({ record }) => JSON.stringify(record.headers.map(headerToJson)))),
        texts(chunk.map(({ code }) => code)),
        texts(chunk.map(({ issues }) => JSON.stringify(issues))),
        chunk.map(({ record }) => redrives.get(record.offset) ?? null),
      ],
    })
  }
}

/** Bytes in one statement; a single record may be larger. It is copied twice on its way to the server. */
const CHUNK_BYTES = 2 * 1024 * 1024

function* chunksOf(rejections: readonly Rejection[]): Generator<readonly Rejection[]> {
  let chunk: Rejection[] = []
  let bytes = 0
  for (const rejection of rejections) {
    const size = recordBytes(rejection.record)
    if (chunk.length > 0 && bytes + size > CHUNK_BYTES) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(rejection)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}

/** As stored: values are bytes, so base64; a key that jsonb can't hold is base64 too. */
export interface StoredHeader {
  readonly key: string
  readonly keyIsBase64?: true
  readonly value: string | null
}

function headerToJson({ key, value }: RecordHeader): StoredHeader {
  const encoded = value?.toString('base64') ?? null
  return key.includes('\0')
    ? { key: Buffer.from(key).toString('base64'), keyIsBase64: true, value: encoded }
    : { key, value: encoded }
}

function headerFromJson({ key, keyIsBase64, value }: StoredHeader): RecordHeader {
  return {
    key: keyIsBase64 === true ? Buffer.from(key, 'base64').toString() : key,
    value: value === null ? null : Buffer.from(value, 'base64'),
  }
}

/** The headers as they were, from the column `headers`. */
export const headersFromJson = (stored: readonly StoredHeader[]): RecordHeader[] => stored.map(headerFromJson)

/** What the load refused of a stretch of offsets although it kept the contract, by code; redrives don't count. */
export async function countRefused(
  client: ClientBase,
  { topic, partition, incarnation }: PartitionId & { incarnation: number },
  from: number,
  to: number,
): Promise<{ conflicts: number; byWarehouse: number }> {
  const l = deadLetters
  const ofCodes = (...codes: DeadLetterCode[]) =>
    sql<number>`count(*) filter (where ${inArray(l.code, codes)})`
  const [counts] = await on(client)
    .select({
      conflicts: ofCodes('conflicting_duplicate', 'key_moved'),
      byWarehouse: ofCodes('rejected_by_warehouse'),
    })
    .from(l)
    .where(
      and(
        eq(l.topic, topic),
        eq(l.partition, partition),
        eq(l.incarnation, incarnation),
        gte(l.offset, from),
        lt(l.offset, to),
        isNull(l.redriveOf),
      ),
    )
  return counts!
}

/**
 * What a dead letter may have to be sent to any topic at all, in bytes. Larger ones, which no topic takes, are
 * not even read for it: bytes come from Postgres as text that is twice as long.
 */
export const MAX_PUBLISHED_BYTES = 16 * 1024 * 1024

/** A dead letter on its way to the dead-letter topic. */
export interface UnpublishedDeadLetter {
  readonly id: number
  /** Then key, value and headers are not given. */
  readonly isTooLarge: boolean
  readonly partition: number
  readonly offset: number
  readonly incarnation: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  readonly code: string
  readonly issues: readonly Issue[]
  readonly batchId: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

const unlessTooLarge = <T>(column: PgColumn, otherwise: SQL) =>
  sql<T>`case when sized.too_large then ${otherwise} else ${column} end`

/** The oldest that were not published yet: as many as fit into `maxBytes`, at least one. */
export async function unpublishedDeadLetters(
  pool: Pool,
  { topic, partition }: PartitionId,
  maxBytes: number,
): Promise<UnpublishedDeadLetter[]> {
  const d = alias(deadLetters, 'd')
  const rows = await read(
    pool,
    {
      id: d.id,
      partition: d.partition,
      offset: d.offset,
      incarnation: d.incarnation,
      code: d.code,
      issues: sql<Issue[]>`${d.issues}`,
      batchId: d.batchId,
      createdAt: sql<number>`(extract(epoch from ${d.createdAt}) * 1000)::bigint`,
      isTooLarge: sql<boolean>`sized.too_large`,
      key: unlessTooLarge<Buffer | null>(d.key, sql`null`),
      value: unlessTooLarge<Buffer | null>(d.value, sql`null`),
      headers: unlessTooLarge<StoredHeader[]>(d.headers, sql`'[]'`),
    },
    (columns) => sql`
      select ${columns}
      from (
        select id, size > ${MAX_PUBLISHED_BYTES} as too_large,
               sum(size) over (order by incarnation, "offset") - size as before
        from (
          select ${d.id}, ${d.incarnation}, ${d.offset},
                 coalesce(octet_length(${d.key}), 0) + coalesce(octet_length(${d.value}), 0) + octet_length(${d.headers}::text) + 512 as size
          from ${deadLetters} d
          where ${d.topic} = ${topic} and ${d.partition} = ${partition} and ${d.publishedAt} is null
          order by ${d.incarnation}, ${d.offset} limit 500
        ) oldest
      ) sized
      join ${deadLetters} d using (id)
      where sized.before < ${maxBytes} or sized.before = 0
      order by ${d.incarnation}, ${d.offset}`,
  )
  return rows.map((row) => ({ ...row, headers: headersFromJson(row.headers) }))
}

/** The partitions of topics that a stream was moved from, of which some were not published yet. */
export async function unpublishedOfLeft(pool: Pool, stream: string): Promise<PartitionId[]> {
  const { topic, partition, stopCode } = partitionProgress
  return on(pool)
    .select({ topic, partition })
    .from(partitionProgress)
    .where(
      and(
        eq(partitionProgress.stream, stream),
        eq(stopCode, 'moved'),
        sql`exists (select from ${deadLetters} d
          where d.topic = ${topic} and d.partition = ${partition} and d.published_at is null)`,
      ),
    )
    .orderBy(topic, partition)
}

/** In the order of ids, as whoever locks several dead letters, so that no two wait for each other in a circle. */
export async function markPublished(pool: Pool, ids: readonly number[]): Promise<void> {
  await pool.query(
    `with locked as (select id from audit.dead_letters where id = any($1::int8[]) order by id for update)
     update audit.dead_letters d set published_at = now() from locked where d.id = locked.id`,
    [ids],
  )
}
