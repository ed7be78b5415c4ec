import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { SourceRecord } from '../kafka/record.ts'
import { keepSchema, learnStored, MAX_SCHEMA_ID } from '../ledger/schemas.ts'
import type { Logger } from '../process/log.ts'
import type { Stream } from '../stream/compile.ts'
import type { SchemaRegistry } from './schema-registry.ts'

/** How long a schema that the registry doesn't have is waited for: it may be on its way to this copy of the registry. */
const PATIENCE_MS = 300_000
/**
 * And how long in the hour after one was given up: bytes that are no schema's id are no more than that, and each of them
 * names another one.
 */
const SHORT_PATIENCE_MS = 10_000
const HOUR_MS = 3_600_000
const MAX_PAUSE_MS = 15_000
const ASKED_AT_ONCE = 8
/** Ids that are remembered as asked for, at most. */
const MAX_REMEMBERED = 10_000

/** Until when schemas are waited for that the registry doesn't have; kept from batch to batch and run to run. */
export class Patience {
  readonly #limitMs: number
  readonly #deadlines = new Map<number, number>()
  #gaveUpAt = -Infinity

  constructor(limitMs = PATIENCE_MS) {
    this.#limitMs = limitMs
  }

  /** Whether it is still to be waited for; from the first time on that this is asked. */
  waitsFor(id: number, now = performance.now()): boolean {
    if (id > MAX_SCHEMA_ID) return false
    let deadline = this.#deadlines.get(id)
    if (deadline === undefined) {
      const isShort = now - this.#gaveUpAt < HOUR_MS
      deadline = now + (isShort ? Math.min(SHORT_PATIENCE_MS, this.#limitMs) : this.#limitMs)
      if (this.#deadlines.size >= MAX_REMEMBERED) this.#deadlines.delete(this.#deadlines.keys().next().value!)
      this.#deadlines.set(id, deadline)
    }
    if (now < deadline) return true
    // Known as missing by now: only the one that was waited for in vain counts.
    if (deadline > this.#gaveUpAt) this.#gaveUpAt = now
    return false
  }
}

export interface Learner {
  readonly pool: Pool
  readonly stream: Pick<Stream, 'schemas'>
  readonly registry: SchemaRegistry
  readonly patience: Patience
}

/**
 * Makes sure that the schemas of a batch are known before it is looked at: those that the warehouse keeps, else those
 * that the registry has, which are kept then. One that the registry doesn't have is asked for again for a while; then
 * its records are dead letters, as validation finds no schema for them.
 *
 * @param interruption says why the wait ends.
 * @returns what it says, or undefined where the batch can be looked at.
 * @throws where the registry is away: nobody is blamed, the run fails, the next one tries again.
 */
export async function learnSchemas<Interruption>(
  { pool, stream: { schemas }, registry, patience }: Learner,
  records: readonly SourceRecord[],
  interruption: () => Interruption | undefined,
  { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<Interruption | undefined> {
  let missing = await learnStored(pool, schemas, records)
  for (let pause = 500; missing.length > 0; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    for (let i = 0; i < missing.length; i += ASKED_AT_ONCE)
      await Promise.all(
        missing.slice(i, i + ASKED_AT_ONCE).map(async (id) => {
          const schema = await registry.ask(id, signal)
          if (schema === undefined) return
          await keepSchema(pool, schema)
          schemas!.learn(schema)
          logger.info({ schema_id: id, type: schema.type }, 'learnt a schema')
        }),
      )
    missing = schemas!.missing(records).filter((id) => patience.waitsFor(id))
    if (missing.length === 0) break
    logger.warn({ schema_ids: missing.slice(0, 20) }, 'the schema registry has no such schema yet')
    const interrupted = interruption()
    if (interrupted !== undefined) return interrupted
    await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
  return undefined
}
