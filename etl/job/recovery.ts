import pRetry from 'p-retry'
import type { Logger } from '../process/log.ts'
import type { LoadOutcome, PreparedBatch } from './load.ts'
import { batchId } from '../ledger/batches.ts'
import { remedyFor, type Remedy } from '../postgres/errors.ts'

const RETRIES = 3
const WORTH_ANOTHER_TRY: ReadonlySet<Remedy> = new Set(['retry', 'reconnect', 'wait', 'unknown'])

export interface Recovery {
  /** Of Postgres' errors: see remedyFor. */
  readonly isOfFacts: (table: string) => boolean
  /**
   * Asks whether the warehouse is still that of this version, before a record is blamed for what only a newer
   * warehouse refuses. Throws where it is not.
   */
  readonly requireSameWarehouse: () => Promise<void>
  /** Whether a batch needs more partitions than one load should lock. Not unless told. */
  readonly isTooWide?: (prepared: PreparedBatch) => boolean
  readonly load: (prepared: PreparedBatch) => Promise<LoadOutcome>
  readonly logger: Logger
  readonly onRetry: () => void
  readonly signal: AbortSignal
}

/**
 * Loads a batch whatever Postgres says, as far as that is right: tries again what may go by, and narrows
 * down what the data is to blame for, until the one record that Postgres refuses is a dead letter and
 * all others are loaded. Each half is a batch of its own, with its own range in the ledger; only mass
 * rejection is judged by the whole.
 *
 * @throws MigrationMismatch or StreamMismatch where the warehouse is another version's by now: the worker ends.
 * @throws what is left: the run fails, the offsets stay, the next run tries again.
 */
export async function loadWithRecovery(prepared: PreparedBatch, recovery: Recovery): Promise<LoadOutcome> {
  if (recovery.isTooWide?.(prepared) === true) return loadHalves(prepared, recovery)
  try {
    return await withRetries(prepared, recovery)
  } catch (error) {
    // A constraint or a column that this version doesn't know: integrity and syntax errors.
    if (/^(23|42)/.test(String((error as { code?: unknown }).code))) await recovery.requireSameWarehouse()
    const remedy = remedyFor(error, recovery.isOfFacts)
    if (remedy !== 'poison' && remedy !== 'smaller') throw error
    const { batch } = prepared
    recovery.logger.warn(
      { err: error, batch_id: batch.id, records: batch.records.length },
      `the warehouse refused a batch (${remedy})`,
    )
    if (batch.records.length > 1) return loadHalves(prepared, recovery)
    if (remedy === 'poison') return withRetries(rejectedByWarehouse(prepared, error), recovery)
    throw error
  }
}

function withRetries(
  prepared: PreparedBatch,
  { load, logger, onRetry, signal, isOfFacts }: Recovery,
): Promise<LoadOutcome> {
  const attempt = () => {
    signal.throwIfAborted()
    return load(prepared)
  }
  const isWorthIt = (error: unknown) => WORTH_ANOTHER_TRY.has(remedyFor(error, isOfFacts))
  // pRetry doesn't get the signal: it would throw away the outcome of a load that was committed meanwhile.
  return pRetry(attempt, {
    retries: RETRIES,
    factor: 3,
    minTimeout: 100,
    maxTimeout: 5_000,
    randomize: true,
    shouldRetry: ({ error }) => isWorthIt(error),
    onFailedAttempt: ({ error, retriesLeft }) => {
      if (!isWorthIt(error)) return
      signal.throwIfAborted()
      if (retriesLeft === 0) return
      onRetry()
      logger.warn(
        { err: error, batch_id: prepared.batch.id, retries_left: retriesLeft },
        'the load failed, trying again',
      )
    },
  })
}

async function loadHalves(prepared: PreparedBatch, recovery: Recovery): Promise<LoadOutcome> {
  const [first, second] = halve(prepared)
  const one = await loadWithRecovery(first, recovery)
  if (one.kind !== 'loaded') return one
  const other = await loadWithRecovery(second, recovery)
  // The first half is loaded and its watermark stands; what stopped the second is what counts.
  if (other.kind !== 'loaded') return other
  return {
    kind: 'loaded',
    loaded: one.loaded + other.loaded,
    duplicate: one.duplicate + other.duplicate,
    skipped: one.skipped + other.skipped,
    deadLettered: one.deadLettered + other.deadLettered,
    ...sumOf('older', one, other),
    ...sumOf('keyMoved', one, other),
  }
}

/** What only some loads count; left out where neither does. */
function sumOf<Name extends 'older' | 'keyMoved'>(
  name: Name,
  one: Readonly<Partial<Record<Name, number | undefined>>>,
  other: typeof one,
): Partial<Record<Name, number>> {
  if (one[name] === undefined && other[name] === undefined) return {}
  return { [name]: (one[name] ?? 0) + (other[name] ?? 0) } as Record<Name, number>
}

/** Two batches that tile the range of one. */
export function halve(prepared: PreparedBatch): [PreparedBatch, PreparedBatch] {
  const { batch } = prepared
  const middle = batch.records[Math.ceil(batch.records.length / 2)]!.offset
  return [part(prepared, batch.from, middle), part(prepared, middle, batch.to)]
}

function part(prepared: PreparedBatch, from: number, to: number): PreparedBatch {
  const { batch } = prepared
  const within = (offset: number) => offset >= from && offset < to
  const records = batch.records.filter(({ offset }) => within(offset))
  const bytes = Math.round((batch.bytes * records.length) / batch.records.length)
  return {
    ...prepared,
    whole: prepared.whole ?? prepared,
    batch: { ...batch, id: batchId({ ...batch, from, to }), from, to, records, bytes },
    facts: prepared.facts.filter(({ offset }) => within(offset)),
    rejected: prepared.rejected.filter(({ record }) => within(record.offset)),
    skipped: prepared.skipped.filter(({ record }) => within(record.offset)),
  }
}

function rejectedByWarehouse(prepared: PreparedBatch, error: unknown): PreparedBatch {
  const { message, code, column } = error as Error & { code?: string; column?: string }
  const [record] = prepared.batch.records
  const text = `Postgres refused the record (${code ?? 'no code'}): ${message.slice(0, 300).replaceAll('\0', '')}`
  return {
    ...prepared,
    whole: prepared.whole ?? prepared,
    facts: [],
    skipped: [],
    rejected: [
      { record: record!, code: 'rejected_by_warehouse', issues: [{ field: column ?? '', message: text }] },
    ],
  }
}
