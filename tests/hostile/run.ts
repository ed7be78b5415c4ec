import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '../../scripts/servers/wait.ts'
import { streams } from '../../streams/index.ts'
import { imbalances } from '../support/balance.ts'
import { Books } from './books.ts'
import { compare, type Fate, type Mismatch, type Stored } from './compare.ts'
import { memoryOf } from './memory.ts'
import { subjectOf, type Subject } from './contract.ts'
import { connectRawProducer, type RawProducer } from './raw-producer.ts'
import { HostileStream, PARTITIONS, type Kind, type Shipment } from './stream.ts'
import { startTarget, type Target } from './target.ts'

export interface FuzzOptions {
  /** The stream's name; the first of the installation unless told. */
  readonly stream?: string | undefined
  readonly seed: number
  readonly records: number
  /** No slice is begun after this time, milliseconds. */
  readonly limitMs?: number
  /** Records that are made, sent, loaded and compared at a time. */
  readonly sliceRecords?: number
  /** Gets a line after each slice. */
  readonly say?: (line: string) => void
}

export interface FuzzResult {
  readonly records: number
  readonly seconds: number
  readonly fates: ReadonlyMap<`${Kind}/${Fate}`, number>
  /** Of the ETL process, bytes. */
  readonly memory: { readonly idle: number; readonly peak: number }
  /** Of the slice that was the last for them. */
  readonly mismatches: readonly Mismatch[]
  /** A sentence for each promise that was not kept. */
  readonly failures: readonly string[]
}

/** What the ETL may take above its idle size. */
export const MEMORY_LIMIT = 256 * 1024 * 1024

const SLICE_RECORDS = 20_000
/** Facts that may come again in later slices. */
const REPEATABLE = 1_000
/** Each takes some hundred times as long as a record. */
const HOSTILE_BATCH_EVERY = 4_000
/** A slice in which nothing moves for so long is stuck. */
const STUCK_MS = 60_000

/**
 * Sends hostile records to an ETL process of its own, slice by slice, and holds what became of each against
 * the oracle; at the end everything that the warehouse holds. Ends early at the first slice with mismatches.
 */
export async function fuzz(
  servers: { readonly kafkaBrokers: string; readonly databaseUrl: string },
  options: FuzzOptions,
): Promise<FuzzResult> {
  const subject = await subjectOf(options.stream)
  const target = await startTarget(servers, subject.name)
  const producers: RawProducer[] = []
  try {
    for (let i = 0; i < PARTITIONS; i++) producers.push(await connectRawProducer(target.broker))
    return await run(target, subject, producers, options)
  } finally {
    for (const producer of producers) producer.close()
    await target.close()
  }
}

async function run(
  target: Target,
  subject: Subject,
  producers: readonly RawProducer[],
  { seed, records, limitMs = Infinity, sliceRecords = SLICE_RECORDS, say = () => undefined }: FuzzOptions,
): Promise<FuzzResult> {
  const idle = await idleMemory(target)
  const started = performance.now()
  const stream = new HostileStream(
    subject.contract,
    seed,
    Math.min(HOSTILE_BATCH_EVERY, Math.ceil(records / 30)),
  )
  const books = new Books(subject)
  const repeatable: unknown[] = []
  const fates = new Map<`${Kind}/${Fate}`, number>()
  const mismatches: Mismatch[] = []
  let made = 0
  let sent = 0
  const make = () => {
    const shipments = stream.slice(Math.min(sliceRecords, records - made), repeatable)
    made += shipments.reduce((sum, shipment) => sum + shipment.records.length, 0)
    return shipments
  }
  let shipments = make()
  while (shipments.length > 0) {
    const slice = await send(target, producers, shipments)
    // The next one is made while the ETL works on this one.
    shipments = made < records && performance.now() - started < limitMs ? make() : []
    await drained(target, slice)
    const found = await compare(target.pool, subject, slice, books)
    for (const [key, count] of found.fates) fates.set(key, (fates.get(key) ?? 0) + count)
    sent += slice.reduce((sum, stored) => sum + stored.records.length, 0)
    const { now, peak } = memoryOf(target.etl.pid)
    say(`${sent} records compared, ETL ${inMb(now)} MB, ${inMb(peak)} MB at most`)
    mismatches.push(...found.mismatches)
    if (mismatches.length > 0) break
    for (const one of found.loaded) {
      books.add(one)
      if (!one.raced && repeatable.length < REPEATABLE) repeatable.push(one.fact)
    }
  }
  const seconds = (performance.now() - started) / 1_000
  const { peak } = memoryOf(target.etl.pid)
  const failures = await brokenPromises(target, subject)
  if (mismatches.length > 0) failures.push('records did not become what they should')
  else failures.push(...(await books.complaints(target.pool)))
  if (peak - idle > MEMORY_LIMIT)
    failures.push(`the ETL took ${inMb(peak - idle)} MB above its idle size, more than ${inMb(MEMORY_LIMIT)}`)
  return { records: sent, seconds, fates, memory: { idle, peak }, mismatches, failures }
}

export const inMb = (bytes: number) => Math.round(bytes / 1024 / 1024)

/** After a few runs with nothing to do. */
async function idleMemory({ etl }: Target): Promise<number> {
  const isIdle = () => {
    if (!etl.isRunning()) throw new Error(`The ETL ended:\n${etl.output().slice(-4_000)}`)
    return etl.lines().filter(({ msg }) => msg === 'run').length >= 3
  }
  await waitFor('three empty runs of the ETL', isIdle, { limitMs: 120_000 })
  return memoryOf(etl.pid).now
}

async function send(
  { topic }: Target,
  producers: readonly RawProducer[],
  shipments: readonly Shipment[],
): Promise<Stored[]> {
  return Promise.all(
    shipments.map(async ({ partition, batch, records }) => {
      const { errorCode, baseOffset } = await producers[partition]!.send(topic, partition, batch)
      if (errorCode !== 0)
        throw new Error(
          `Kafka refused a batch of ${records.length} records (${records[0]?.name}): ${errorCode}`,
        )
      return { partition, offset: baseOffset, batch: asStored(batch, baseOffset), records }
    }),
  )
}

/** The broker writes the first offset and its leader's epoch into a batch and leaves the rest as it came. */
function asStored(batch: Buffer, baseOffset: number): Buffer {
  batch.writeBigInt64BE(BigInt(baseOffset), 0)
  batch.writeInt32BE(0, 12)
  return batch
}

async function drained({ pool, etl }: Target, slice: readonly Stored[]): Promise<void> {
  const ends = Array.from({ length: PARTITIONS }, (_, partition) =>
    Math.max(0, ...slice.filter((stored) => stored.partition === partition).map(endOf)),
  )
  let seen = ''
  let movedAt = performance.now()
  for (;;) {
    const { rows } = await pool.query<{ partition: number; next: string }>(
      'select partition, next_offset::text as next from audit.partition_progress order by partition',
    )
    const next = new Map(rows.map((row) => [row.partition, Number(row.next)]))
    if (ends.every((end, partition) => (next.get(partition) ?? 0) >= end)) return
    const now = JSON.stringify(rows)
    if (now !== seen) movedAt = performance.now()
    seen = now
    if (!etl.isRunning()) throw new Error(`The ETL ended:\n${etl.output().slice(-4_000)}`)
    if (performance.now() - movedAt > STUCK_MS)
      throw new Error(`The ETL stands still at ${now}, before ${ends.join()}:\n${etl.output().slice(-4_000)}`)
    await delay(50)
  }
}

const endOf = ({ offset, records }: Stored) => offset + records.length

/** What holds at the end, whatever the records were. */
async function brokenPromises(
  { pool, etl, deadLetterMessages }: Target,
  { name }: Subject,
): Promise<string[]> {
  const unpublished = async () => {
    const { rows } = await pool.query<{ n: string }>(
      'select count(*)::text as n from audit.dead_letters where published_at is null',
    )
    return Number(rows[0]?.n)
  }
  const broken: string[] = []
  await waitFor('all dead letters to be published', async () => (await unpublished()) === 0, {
    limitMs: 60_000,
  }).catch((error: Error) => broken.push(error.message))
  const { rows } = await pool.query<{ n: string }>('select count(*)::text as n from audit.dead_letters')
  if ((await deadLetterMessages()) < Number(rows[0]?.n))
    broken.push('dead letters are missing on their topic')
  broken.push(
    ...(await imbalances(
      pool,
      streams.find((stream) => stream.name === name),
    )),
  )
  const errors = etl.lines().filter(({ level }) => level === 0 || level >= 50)
  broken.push(...errors.slice(0, 5).map((line) => `the ETL logged ${JSON.stringify(line).slice(0, 500)}`))
  const code = await etl.stop()
  if (code !== 0) broken.push(`the ETL ended with ${code}`)
  return broken
}
