import type { ClientBase, Pool } from 'pg'
import type { Issue, RecordHeader, Rejection } from '../types.ts'
import type { PartitionId } from './progress.ts'

/** Writes a batch's dead letters, ascending by offset, in the load transaction. */
export async function insertDeadLetters(
  client: ClientBase,
  rejections: readonly Rejection[],
  origin: PartitionId & { incarnation: number; batchId: string },
): Promise<void> {
  for (const chunk of chunksOf(rejections)) {
    await client.query({
      text: `insert into audit.dead_letters
               (topic, partition, incarnation, batch_id, "offset", kafka_timestamp, key, value, headers, code, issues, redrive_of)
             select $1, $2, $3, $4, d."offset", to_timestamp(d.ms::double precision / 1000), d.key, d.value, d.headers, d.code, d.issues, d.redrive_of
             from unnest($5::int8[], $6::int8[], $7::bytea[], $8::bytea[], $9::jsonb[], $10::text[], $11::jsonb[], $12::text[])
               as d ("offset", ms, key, value, headers, code, issues, redrive_of)`,
      values: [
        origin.topic,
        origin.partition,
        origin.incarnation,
        origin.batchId,
        chunk.map(({ record }) => record.offset),
        chunk.map(({ record }) => record.timestamp),
        chunk.map(({ record }) => record.key),
        chunk.map(({ record }) => record.value),
        chunk.map(({ record }) => JSON.stringify(record.headers.map(headerToJson))),
        chunk.map(({ code }) => code),
        chunk.map(({ issues }) => JSON.stringify(issues)),
        chunk.map(({ record }) => redriveOf(record.headers)),
      ],
    })
  }
}

/** Bytes in one statement: pg writes them as hex text, twice as long. */
const CHUNK_BYTES = 8 * 1024 * 1024

function* chunksOf(rejections: readonly Rejection[]): Generator<readonly Rejection[]> {
  let chunk: Rejection[] = []
  let bytes = 0
  for (const rejection of rejections) {
    const { key, value, headers } = rejection.record
    const size =
      (key?.length ?? 0) +
      (value?.length ?? 0) +
      headers.reduce((sum, header) => sum + (header.value?.length ?? 0), 0)
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
interface StoredHeader {
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

const ORIGIN = /^[a-zA-Z0-9._-]{1,249}:\d{1,10}:\d{1,19}(:\d{1,10})?$/

/** The dead letter that this record was sent again for, as its header says. */
export function redriveOf(headers: readonly RecordHeader[]): string | null {
  const text = headers.find(({ key }) => key === 'redrive-of')?.value?.toString('latin1')
  return text !== undefined && ORIGIN.test(text) ? text : null
}

/** A dead letter on its way to the dead-letter topic. */
export interface UnpublishedDeadLetter {
  readonly id: number
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

/** The oldest that were not published yet: as many as fit into `maxBytes`, at least one. */
export async function unpublishedDeadLetters(
  pool: Pool,
  { topic, partition }: PartitionId,
  maxBytes: number,
): Promise<UnpublishedDeadLetter[]> {
  const { rows } = await pool.query<Omit<UnpublishedDeadLetter, 'headers'> & { headers: StoredHeader[] }>(
    `select d.id, d.partition, d."offset", d.incarnation, d.key, d.value, d.headers, d.code, d.issues,
            d.batch_id as "batchId", (extract(epoch from d.created_at) * 1000)::bigint as "createdAt"
     from (
       select id, sum(size) over (order by incarnation, "offset") - size as before
       from (
         select id, incarnation, "offset",
                coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + octet_length(headers::text) + 512 as size
         from audit.dead_letters
         where topic = $1 and partition = $2 and published_at is null
         order by incarnation, "offset" limit 500
       ) oldest
     ) sized
     join audit.dead_letters d using (id)
     where sized.before < $3 or sized.before = 0
     order by d.incarnation, d."offset"`,
    [topic, partition, maxBytes],
  )
  return rows.map((row) => ({ ...row, headers: row.headers.map(headerFromJson) }))
}

export async function markPublished(pool: Pool, ids: readonly number[]): Promise<void> {
  await pool.query(`update audit.dead_letters set published_at = now() where id = any($1::int8[])`, [ids])
}
