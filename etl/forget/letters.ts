import type { Client } from '../postgres/query.ts'
import { learnStored } from '../ledger/schemas.ts'
import { headersFromJson, type StoredHeader } from '../ledger/dead-letters.ts'
import type { SourceRecord } from '../kafka/record.ts'
import type { Stream } from '../stream/compile.ts'
import { compileRecordKey, type RecordKey } from '../stream/record-key.ts'

/** What a search through the dead letters of a stream has found. */
export interface LettersFound {
  /** The ids of those whose record has one of the keys. */
  readonly letters: ReadonlySet<number>
  /** Those whose record doesn't say whose it is, and that have a key as a word somewhere in their bytes. */
  readonly perhaps: ReadonlySet<number>
  /** Those that hold bytes which nobody could decode, so that nothing can be looked for in them. */
  readonly undecodable: ReadonlySet<number>
  /** Actions that keep the corrected value of a redrive which has one of the keys. */
  readonly redrives: ReadonlySet<number>
}

/** Bytes in one answer: they come as text of twice their length. */
const STEP_BYTES = 8 * 1024 * 1024

interface Letter {
  readonly id: number
  readonly code: string
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly StoredHeader[]
}

/**
 * Goes through the dead letters of a stream, oldest first, and reads of each whose record it is: bytes that were refused
 * have no columns, and no index says whose they are.
 *
 * @param since only those whose load began since then.
 */
export async function findLetters(
  client: Client,
  stream: Stream,
  keys: readonly RecordKey[],
  since: Date = new Date(0),
): Promise<LettersFound> {
  const wanted = new Set(keys.map((key) => JSON.stringify(key)))
  const isWanted = (key: RecordKey | undefined) => key !== undefined && wanted.has(JSON.stringify(key))
  const words = keys.map((key) => key.map((part) => wordOf(String(part))))
  const readKey = compileRecordKey(stream.definition, stream.schemas)
  const letters = new Set<number>()
  const perhaps = new Set<number>()
  const undecodable = new Set<number>()
  for (let behind = 0; ;) {
    const found = await nextLetters(client, stream.name, since, behind)
    if (found.length === 0) break
    behind = found.at(-1)!.id
    const records = found.map(recordOf)
    await learnStored(client, stream.schemas, records)
    for (const [i, { id, code }] of found.entries()) {
      const record = records[i]!
      const { said, byMessageKey } = code === 'undecodable' ? NOT_READ : readKey(record)
      if (isWanted(said ?? byMessageKey)) letters.add(id)
      else if (said !== undefined) continue
      else if (words.some((ofKey) => ofKey.every((word) => holds(record, word)))) perhaps.add(id)
      else if (code === 'undecodable') undecodable.add(id)
    }
  }
  return { letters, perhaps, undecodable, redrives: await findRedrives(client, stream, isWanted) }
}

const NOT_READ = { said: undefined, byMessageKey: undefined }

const recordOf = ({ id, key, value, headers, timestamp }: Letter): SourceRecord => ({
  offset: id,
  timestamp,
  key,
  value,
  headers: headersFromJson(headers),
})

async function nextLetters(client: Client, stream: string, since: Date, behind: number): Promise<Letter[]> {
  const { rows } = await client.query<Letter>(
    `select d.id, d.code, (extract(epoch from d.kafka_timestamp) * 1000)::bigint as timestamp, d.key, d.value, d.headers
     from (
       select id, sum(size) over (order by id) - size as before from (
         select id, coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + octet_length(headers::text) as size
         from audit.dead_letters
         where topic in (select topic from audit.partition_progress where stream = $1) and id > $2 and created_at >= $3
           and forgotten_at is null
         order by id limit 500
       ) sized
     ) first
     join audit.dead_letters d using (id)
     where first.before < ${STEP_BYTES} order by d.id`,
    [stream, behind, since],
  )
  return rows
}

/** The corrected value of a redrive is kept with its action: it may say another key than the record that it is for. */
async function findRedrives(
  client: Client,
  stream: Stream,
  isWanted: (key: RecordKey | undefined) => boolean,
): Promise<Set<number>> {
  const { rows } = await client.query<Letter>(
    `select a.id, '' as code, 0::bigint as timestamp, d.key, a.payload as value, coalesce(d.headers, '[]') as headers
     from audit.operator_actions a
     left join audit.dead_letters d on d.id = (a.target -> 'ids' ->> 0)::int8
     where a.action = 'redrive' and a.stream = $1 and a.payload is not null`,
    [stream.name],
  )
  const records = rows.map(recordOf)
  await learnStored(client, stream.schemas, records)
  const readKey = compileRecordKey(stream.definition, stream.schemas)
  const ofKeys = records.filter((record) => isWanted(readKey(record).said))
  return new Set(ofKeys.map(({ offset }) => offset))
}

/** Bytes as they may stand in others, in any case, with no letter or digit beside them. */
function wordOf(part: string): RegExp {
  const text = Buffer.from(part)
    .toString('latin1')
    .replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
  return new RegExp(`(?<![A-Za-z0-9])${text}(?![A-Za-z0-9])`, 'i')
}

const holds = ({ key, value, headers }: SourceRecord, word: RegExp): boolean =>
  [key, value, ...headers.map((header) => header.value)].some(
    (bytes) => bytes !== null && word.test(bytes.toString('latin1')),
  )
