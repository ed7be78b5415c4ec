import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import { comparedText, loadedTable, type Books, type LoadedFact } from './books.ts'
import type { Subject } from './contract.ts'
import type { Kind, Sent } from './stream.ts'

/** A shipment that the broker has taken. */
export interface Stored {
  readonly partition: number
  /** Of its first record. */
  readonly offset: number
  /** As the log has it. */
  readonly batch: Buffer
  readonly records: readonly Sent[]
}

/** What became of a record: `loaded`, `duplicate` or the code of its dead letter. */
export type Fate = string

export interface Mismatch {
  readonly at: string
  readonly sent: Sent
  readonly expected: string
  readonly found: string
}

export interface Comparison {
  /** How many records of a kind had a fate. */
  readonly fates: ReadonlyMap<`${Kind}/${Fate}`, number>
  readonly mismatches: readonly Mismatch[]
  /** Every fact that this slice has loaded. */
  readonly loaded: readonly Found[]
}

export interface Found extends LoadedFact {
  /** It was on several partitions, so that another run may load another copy. */
  readonly raced: boolean
}

/** One record with where it lies. */
interface Placed {
  readonly at: string
  readonly partition: number
  readonly sent: Sent
  readonly batch: Buffer
}

/**
 * Holds a slice, all of it loaded, against the warehouse: for each offset what became of it, and every byte.
 *
 * Which of two copies on different partitions is loaded first is chance: then the warehouse says which, and
 * the others are judged by that one. It must be the first of its own partition.
 *
 * @param before what was loaded before this slice.
 */
export async function compare(
  pool: Pool,
  subject: Subject,
  slice: readonly Stored[],
  before: Pick<Books, 'comparedOf'>,
): Promise<Comparison> {
  const { contract } = subject
  const ranges = rangesOf(slice)
  const facts = await readFacts(pool, subject, ranges)
  const letters = await readLetters(pool, ranges)
  const fates = new Map<`${Kind}/${Fate}`, number>()
  const mismatches: Mismatch[] = []
  const loaded: Found[] = []

  const hold = ({ at, sent, batch }: Placed, expected: Fate, fact?: string) => {
    const found = described(facts.get(at), letters.get(at))
    const wanted =
      expected === 'loaded'
        ? described(fact, undefined)
        : expected === 'duplicate'
          ? described(undefined, undefined)
          : described(undefined, letterOf(sent, batch, expected))
    facts.delete(at)
    letters.delete(at)
    if (found !== wanted) mismatches.push({ at, sent, expected: wanted, found })
    fates.set(`${sent.kind}/${expected}`, (fates.get(`${sent.kind}/${expected}`) ?? 0) + 1)
  }

  const byIdentity = new Map<string, (Placed & { fact: unknown; compared: string })[]>()
  for (const record of placed(slice)) {
    const { verdict } = record.sent
    if ('code' in verdict) hold(record, verdict.code)
    else {
      const { fact } = verdict
      const identity = contract.identityOf(fact)
      const copies = byIdentity.get(identity) ?? []
      copies.push({ ...record, fact, compared: comparedText(contract, fact) })
      byIdentity.set(identity, copies)
    }
  }
  for (const [identity, copies] of byIdentity) {
    const firsts = [...new Map(copies.toReversed().map((copy) => [copy.partition, copy])).values()]
    const known = before.comparedOf(identity)
    // Where none of them is there, the first stands for it, and is a mismatch.
    const winner = known === undefined ? (firsts.find(({ at }) => facts.has(at)) ?? copies[0]!) : undefined
    const there = winner?.compared ?? known
    if (winner !== undefined) loaded.push({ at: winner.at, fact: winner.fact, raced: firsts.length > 1 })
    for (const copy of copies) {
      if (copy === winner) hold(copy, 'loaded', contract.shown(copy.fact))
      else hold(copy, copy.compared === there ? 'duplicate' : 'conflicting_duplicate')
    }
  }
  for (const at of [...facts.keys(), ...letters.keys()])
    throw new Error(`offset ${at} is in the warehouse and was never sent`)
  return { fates, mismatches, loaded }
}

function* placed(slice: readonly Stored[]): Generator<Placed> {
  for (const { partition, offset, batch, records } of slice) {
    for (const [i, sent] of records.entries())
      yield { at: `${partition}:${offset + i}`, partition, sent, batch }
  }
}

/** Everything that must be equal, as one text. */
function described(fact: string | undefined, letter: Letter | undefined): string {
  const parts: string[] = []
  if (fact !== undefined) parts.push(`loaded ${fact}`)
  if (letter !== undefined) {
    const { code, key, value, headers } = letter
    parts.push(`dead letter ${code}, key ${key}, value ${value}, headers ${headers}`)
  }
  return parts.length === 0 ? 'neither a fact nor a dead letter' : parts.join(' and ')
}

/** A dead letter; bytes by their length and hash. */
interface Letter {
  readonly code: string
  readonly key: string
  readonly value: string
  readonly headers: string
}

function letterOf({ key, value, headers }: Sent, batch: Buffer, code: string): Letter {
  return {
    code,
    key: digest(key),
    value: digest(value === 'batch' ? batch : value),
    headers: headersText(headers.map((header) => [header.key, header.value])),
  }
}

const digest = (bytes: Buffer | null) =>
  bytes === null ? 'null' : `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`

function headersText(headers: readonly (readonly [string, Buffer | null])[]): string {
  const text = JSON.stringify(headers.map(([key, value]) => [key, value?.toString('base64') ?? null]))
  return text.length <= 200 ? text : digest(Buffer.from(text))
}

type Range = readonly [partition: number, from: number, to: number]

/** From the first offset of the slice to its last, for each partition. */
function rangesOf(slice: readonly Stored[]): Range[] {
  const ranges = new Map<number, Range>()
  for (const { partition, offset, records } of slice) {
    const [, from, to] = ranges.get(partition) ?? [partition, Infinity, 0]
    ranges.set(partition, [partition, Math.min(from, offset), Math.max(to, offset + records.length)])
  }
  return [...ranges.values()]
}

const IN_RANGES = 'unnest($1::int4[], $2::int8[], $3::int8[]) as r (partition, first, last)'
const columns = (ranges: readonly Range[]) => [0, 1, 2].map((column) => ranges.map((range) => range[column]))

/** Each as `contract.shown` shows it: Postgres writes JSON with blanks, so it is written anew. */
async function readFacts(
  pool: Pool,
  subject: Subject,
  ranges: readonly Range[],
): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ at: string; stored: string }>(
    `select r.partition || ':' || t.source_offset as at, ${subject.contract.stored} as stored
     from ${IN_RANGES}
     join ${loadedTable(subject)} t
       on t.source_partition = r.partition and t.source_offset >= r.first and t.source_offset < r.last`,
    columns(ranges),
  )
  return new Map(rows.map(({ at, stored }) => [at, JSON.stringify(JSON.parse(stored))]))
}

interface LetterRow {
  readonly at: string
  readonly code: string
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly { key: string; keyIsBase64?: true; value: string | null }[]
}

const digestOf = (column: string) => `length(${column}) || ' ' || encode(sha256(${column}), 'hex')`

async function readLetters(pool: Pool, ranges: readonly Range[]): Promise<Map<string, Letter>> {
  const { rows } = await pool.query<LetterRow>(
    `select r.partition || ':' || d."offset" as at, d.code, d.headers,
            ${digestOf('d.key')} as key, ${digestOf('d.value')} as value
     from ${IN_RANGES}
     join audit.dead_letters d
       on d.partition = r.partition and d."offset" >= r.first and d."offset" < r.last`,
    columns(ranges),
  )
  return new Map(
    rows.map(({ at, code, key, value, headers }) => [
      at,
      {
        code,
        key: key ?? 'null',
        value: value ?? 'null',
        headers: headersText(
          headers.map((header) => [
            header.keyIsBase64 === true ? Buffer.from(header.key, 'base64').toString() : header.key,
            header.value === null ? null : Buffer.from(header.value, 'base64'),
          ]),
        ),
      },
    ]),
  )
}
