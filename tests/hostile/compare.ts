import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import type { Order } from './oracle.ts'
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
  /** Every order that this slice has loaded. */
  readonly loaded: readonly LoadedOrder[]
}

export interface LoadedOrder {
  readonly order: Order
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
 * @param known orders that were loaded before this slice.
 */
export async function compare(
  pool: Pool,
  slice: readonly Stored[],
  known: ReadonlyMap<string, Order>,
): Promise<Comparison> {
  const ranges = rangesOf(slice)
  const facts = await readFacts(pool, ranges)
  const letters = await readLetters(pool, ranges)
  const fates = new Map<`${Kind}/${Fate}`, number>()
  const mismatches: Mismatch[] = []
  const loaded: LoadedOrder[] = []

  const hold = ({ at, sent, batch }: Placed, expected: Fate, order?: Order) => {
    const found = described(facts.get(at), letters.get(at))
    const wanted =
      expected === 'loaded'
        ? described(order, undefined)
        : expected === 'duplicate'
          ? described(undefined, undefined)
          : described(undefined, letterOf(sent, batch, expected))
    facts.delete(at)
    letters.delete(at)
    if (found !== wanted) mismatches.push({ at, sent, expected: wanted, found })
    fates.set(`${sent.kind}/${expected}`, (fates.get(`${sent.kind}/${expected}`) ?? 0) + 1)
  }

  const byOrder = new Map<string, (Placed & { order: Order })[]>()
  for (const record of placed(slice)) {
    const { verdict } = record.sent
    if ('code' in verdict) hold(record, verdict.code)
    else {
      const copies = byOrder.get(verdict.order.orderId) ?? []
      copies.push({ ...record, order: verdict.order })
      byOrder.set(verdict.order.orderId, copies)
    }
  }
  for (const [orderId, copies] of byOrder) {
    const firsts = [...new Map(copies.toReversed().map((copy) => [copy.partition, copy])).values()]
    const before = known.get(orderId)
    // Where none of them is there, the first stands for it, and is a mismatch.
    const winner = before === undefined ? (firsts.find(({ at }) => facts.has(at)) ?? copies[0]!) : undefined
    const order = before ?? winner!.order
    if (winner !== undefined) loaded.push({ order, raced: firsts.length > 1 })
    for (const copy of copies) {
      if (copy === winner) hold(copy, 'loaded', order)
      else hold(copy, isSame(copy.order, order) ? 'duplicate' : 'conflicting_duplicate')
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

const isSame = (one: Order, other: Order) => described(one, undefined) === described(other, undefined)

/** Everything that must be equal, as one text. */
function described(order: Order | undefined, letter: Letter | undefined): string {
  const parts: string[] = []
  if (order !== undefined) {
    const { orderId, amount, currency, micros, customerId, productCategory } = order
    parts.push(
      `loaded ${JSON.stringify([orderId, amount, currency, String(micros), customerId, productCategory])}`,
    )
  }
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

async function readFacts(pool: Pool, ranges: readonly Range[]): Promise<Map<string, Order>> {
  const { rows } = await pool.query<Omit<Order, 'micros'> & { at: string; micros: string }>(
    `select r.partition || ':' || t.source_offset as at, t.order_id as "orderId", t.amount::text as amount, t.currency,
            (extract(epoch from t.transaction_timestamp) * 1000000)::int8::text as micros,
            t.customer_id as "customerId", t.product_category as "productCategory"
     from ${IN_RANGES}
     join warehouse.transactions t
       on t.source_partition = r.partition and t.source_offset >= r.first and t.source_offset < r.last`,
    columns(ranges),
  )
  return new Map(rows.map(({ at, micros, ...order }) => [at, { ...order, micros: BigInt(micros) }]))
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
