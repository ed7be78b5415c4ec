import { createRandom, type Random } from '../../producer/random.ts'
import { aRecordBatch, type BatchOptions, type BatchRecord } from '../support/a-record-batch.ts'
import { BATCH_NAMES, hostileBatch, type ExpectedRecord } from './batches.ts'
import { aCompressor } from './compressors.ts'
import { aKey, someHeaders } from './envelope.ts'
import type { Contract } from './contract.ts'
import { KAFKA_MS, text } from './message.ts'
import { mutate } from './mutate.ts'
import type { Trap } from './traps.ts'

/** A record as it was sent, with what its bytes alone decide about it. */
export interface Sent extends ExpectedRecord {
  readonly kind: Kind
  /** Of the trap, the mutation or the hostile batch. */
  readonly name: string
}

export type Kind = 'valid' | 'again' | 'trap' | 'mutated' | 'hostile batch'

/** One record batch for one partition, before the broker has given it its offset. */
export interface Shipment {
  readonly partition: number
  readonly batch: Buffer
  /** In the order of their offsets. */
  readonly records: readonly Sent[]
}

export const PARTITIONS = 3

/** Records in one ordinary batch, and their bytes. */
const BATCH_RECORDS = 200
const BATCH_BYTES = 700_000
/** Facts of this slice that may come again. */
const RECENT = 50

/** What is larger is sent seldom: a million records should end. */
const SMALL_BYTES = 5_000
/** A record before it is in a batch. */
interface Loose {
  readonly sent: Sent
  readonly kafkaMs: number
}

/**
 * The same records for the same seed, without end. What is taken as a slice holds together: a fact comes
 * again within its slice, or after it is known what became of it.
 */
export class HostileStream {
  readonly #random: Random
  readonly #contract: Contract
  readonly #traps: Record<'small' | 'large', readonly Trap[]>
  readonly #batchEvery: number
  #batches = 0

  /** @param batchEvery one hostile batch to about so many records. */
  constructor(contract: Contract, seed: number, batchEvery: number) {
    this.#contract = contract
    this.#random = createRandom(seed)
    this.#batchEvery = batchEvery
    const { traps, validFields } = contract
    const isSmall = ({ value }: Trap) =>
      (value(validFields(createRandom(0), KAFKA_MS))?.length ?? 0) <= SMALL_BYTES
    this.#traps = { small: traps.filter(isSmall), large: traps.filter((trap) => !isSmall(trap)) }
  }

  /**
   * About so many records, in batches for each partition.
   *
   * @param known facts that earlier slices have loaded.
   */
  slice(records: number, known: readonly unknown[]): Shipment[] {
    const random = this.#random
    const recent: unknown[] = []
    const loose = Array.from({ length: PARTITIONS }, (): Loose[] => [])
    const shipments: Shipment[] = []
    for (let made = 0; made < records; made++) {
      const partition = random.between(0, PARTITIONS - 1)
      if (random.chance(1 / this.#batchEvery)) {
        const shipment = this.#hostileBatch(partition)
        made += shipment.records.length - 1
        shipments.push(shipment)
        continue
      }
      const record = this.#record(recent, known)
      remember(recent, record, random)
      const waiting = loose[partition]!
      waiting.push(record)
      if (waiting.length === BATCH_RECORDS || bytesOf(waiting) > BATCH_BYTES)
        shipments.push(packed(partition, waiting.splice(0), random))
    }
    for (const [partition, waiting] of loose.entries())
      if (waiting.length > 0) shipments.push(packed(partition, waiting, random))
    return shipments
  }

  /** One after the other, so that none is left out. */
  #hostileBatch(partition: number): Shipment {
    const name = BATCH_NAMES[this.#batches++ % BATCH_NAMES.length]!
    const { options, expected } = hostileBatch(name, this.#contract, this.#random)
    const records = expected.map((record): Sent => ({ ...record, kind: 'hostile batch', name }))
    return { partition, batch: batchOf(options), records }
  }

  #record(recent: readonly unknown[], known: readonly unknown[]): Loose {
    const random = this.#random
    const { again, judge, validFields } = this.#contract
    const share = random.unit()
    const kafkaMs = KAFKA_MS + random.between(-3_600_000, 3_600_000)
    const envelope = { key: aKey(random), headers: someHeaders(random) }
    const make = (kind: Kind, name: string, value: Buffer | null, at = kafkaMs): Loose => ({
      sent: { kind, name, value, ...envelope, verdict: judge(value, at) },
      kafkaMs: at,
    })
    if (share < 0.0005) {
      const trap = random.pick(this.#traps.large)
      return make('trap', trap.name, trap.value(validFields(random, KAFKA_MS)), KAFKA_MS)
    }
    if (share < 0.35) {
      const trap = random.pick(this.#traps.small)
      return make('trap', trap.name, trap.value(validFields(random, KAFKA_MS)), trap.kafkaMs ?? KAFKA_MS)
    }
    if (share < 0.6) {
      const fresh = () => Buffer.from(text(validFields(random, kafkaMs)))
      const { name, value } = mutate(fresh(), fresh(), random)
      return make('mutated', name, value)
    }
    const facts = random.chance(0.8) ? recent : known
    if (share < 0.75 && facts.length > 0) {
      const { name, value } = again(random.pick(facts), random)
      return make('again', name, value)
    }
    return make('valid', 'as it should be', Buffer.from(text(validFields(random, kafkaMs))))
  }
}

function remember(recent: unknown[], { sent }: Loose, random: Random): void {
  if (!('fact' in sent.verdict)) return
  if (recent.length < RECENT) recent.push(sent.verdict.fact)
  else if (random.chance(0.2)) recent[random.between(0, RECENT - 1)] = sent.verdict.fact
}

const bytesOf = (records: readonly Loose[]) =>
  records.reduce((sum, { sent }) => sum + (Buffer.isBuffer(sent.value) ? sent.value.length : 0), 0)

function packed(partition: number, records: readonly Loose[], random: Random): Shipment {
  const codec = aCompressor(random)
  const stored = records.map(({ sent: { key, value, headers }, kafkaMs }): BatchRecord => ({
    key,
    value: value === 'batch' ? null : value,
    headers,
    timestampDelta: kafkaMs - KAFKA_MS,
  }))
  const maxTimestamp = Math.max(...records.map(({ kafkaMs }) => kafkaMs))
  const batch = batchOf({ records: stored, maxTimestamp, ...(codec && { codec }) })
  return { partition, batch, records: records.map(({ sent }) => sent) }
}

function batchOf(options: BatchOptions): Buffer {
  const count = options.count ?? options.records?.length ?? 1
  return aRecordBatch({ baseTimestamp: KAFKA_MS, lastOffsetDelta: count - 1, ...options })
}
