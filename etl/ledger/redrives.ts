import type { ClientBase, Pool } from 'pg'
import type { Batch } from './batches.ts'
import { REDRIVE_OF, type RecordHeader, type SourceRecord } from '../kafka/record.ts'
import { originOf, parseOrigin, type Origin } from './dead-letters.ts'

export { REDRIVE_OF }

/** Records that were sent again for a dead letter that we have: its origin, by their own offset. */
export type Redrives = ReadonlyMap<number, string>
const NONE: Redrives = new Map()

/** A header that names no dead letter of ours (forged, or its row was pruned) makes a record like any other. */
export async function findRedrives(client: ClientBase, records: readonly SourceRecord[]): Promise<Redrives> {
  const named = new Map<number, Origin>()
  for (const { offset, headers } of records) {
    const origin = headers.length === 0 ? undefined : redriveOf(headers)
    if (origin !== undefined) named.set(offset, origin)
  }
  if (named.size === 0) return NONE
  const known = await knownOrigins(client, [...named.values()])
  return new Map(
    [...named]
      .map(([offset, origin]) => [offset, originOf(origin)] as const)
      .filter(([, origin]) => known.has(origin)),
  )
}

/** By the offsets of redriven records: where the first dead letter of their chain was consumed. */
export function firstPlaces(redrives: Redrives): (offset: number) => Origin | undefined {
  return (offset) => {
    const origin = redrives.get(offset)
    return origin === undefined ? undefined : parseOrigin(origin)
  }
}

export function redriveOf(headers: readonly RecordHeader[]): Origin | undefined {
  const text = headers.find(({ key }) => key === REDRIVE_OF)?.value?.toString('latin1')
  return text === undefined ? undefined : parseOrigin(text)
}

/** Of these origins those that we have a dead letter of. */
export async function knownOrigins(
  client: ClientBase | Pool,
  origins: readonly Origin[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<Origin>(
    `select d.topic, d.partition, d.incarnation, d."offset"
     from unnest($1::text[], $2::int4[], $3::int4[], $4::int8[]) as o (topic, partition, incarnation, "offset")
     join audit.dead_letters d using (topic, partition, incarnation, "offset")`,
    [
      origins.map(({ topic }) => topic),
      origins.map(({ partition }) => partition),
      origins.map(({ incarnation }) => incarnation),
      origins.map(({ offset }) => offset),
    ],
  )
  return new Set(rows.map(originOf))
}

/**
 * Lets one load at a time say what became of redrives, from here to its end; before it writes its own dead
 * letters. Copies of one record may be on two partitions (it has no key, or was sent twice): the second
 * load then sees the first one's dead letter, which row locks can't show, as there is no row yet.
 *
 * Whoever holds it waits for nothing but rows of dead_letters, in the order of ids, and those who hold such
 * rows never wait for it: no circle.
 */
export async function lockRedriveOutcomes(client: ClientBase): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('pulse: redrive outcomes'))`)
}

export type RecordOutcome = 'loaded' | 'duplicate' | 'skipped' | 'failed'

/**
 * Writes down what became of a batch's redrives, after its own dead letters are in. A chain is the first
 * dead letter and its later attempts. A record that was loaded, or is a duplicate or skipped, resolves what of its
 * chain came before it; one that failed again is the chain's latest attempt and replaces earlier ones,
 * and the first one's attempts grow. Rows are locked in the order of ids; one that is named itself and is
 * also a later attempt of another is updated once.
 */
export async function settleRedrives(
  client: ClientBase,
  batch: Batch,
  redrives: Redrives,
  outcomeOf: (offset: number) => RecordOutcome,
): Promise<void> {
  const chains = chainOutcomes(batch, redrives, outcomeOf)
  await client.query(
    `with outcome as (
       select * from unnest($4::text[], $5::text[], $6::int4[], $7::int4[], $8::int8[], $9::int4[], $10::int8[], $11::text[], $12::int8[], $13::text[])
         as o (origin, topic, partition, incarnation, "offset", failures, loaded_at, loaded_as, failed_at, failed_as)
     ), chain as (
       select d.id, o.failures, o.loaded_as as resolution
       from outcome o
       join audit.dead_letters d using (topic, partition, incarnation, "offset")
       union all
       select d.id, 0, case when o.loaded_as is not null and not (batch.same and d."offset" > o.loaded_at) then o.loaded_as
                            when o.failed_as is not null and not (batch.same and d."offset" >= o.failed_at) then o.failed_as end
       from outcome o
       join audit.dead_letters d on d.redrive_of = o.origin
       cross join lateral (select (d.topic, d.partition, d.incarnation) = ($1, $2::int4, $3::int4) as same) batch
       where d.resolved_at is null
     ), locked as (
       select id from audit.dead_letters where id in (select id from chain) order by id for update
     )
     update audit.dead_letters d
     set attempts = d.attempts + chain.failures, redriven_at = null,
         resolved_at = coalesce(d.resolved_at, case when chain.resolution is not null then clock_timestamp() end),
         resolution = coalesce(d.resolution, chain.resolution)
     from (select id, max(failures) as failures, max(resolution) as resolution from chain group by id) chain
     join locked using (id)
     where d.id = chain.id`,
    [
      batch.topic,
      batch.partition,
      batch.incarnation,
      chains.map(({ origin }) => originOf(origin)),
      chains.map(({ origin }) => origin.topic),
      chains.map(({ origin }) => origin.partition),
      chains.map(({ origin }) => origin.incarnation),
      chains.map(({ origin }) => origin.offset),
      chains.map(({ failures }) => failures),
      chains.map(({ success }) => success?.offset ?? null),
      chains.map(({ success }) => (success === undefined ? null : `${success.as} in ${batch.id}`)),
      chains.map(({ lastFailure }) => lastFailure ?? null),
      chains.map(({ lastFailure }) =>
        lastFailure === undefined ? null : `superseded by ${originOf({ ...batch, offset: lastFailure })}`,
      ),
    ],
  )
}

/** What happened to one chain in a batch; offsets are those of the batch's records. */
interface ChainOutcome {
  readonly origin: Origin
  failures: number
  lastFailure?: number
  success?: { readonly offset: number; readonly as: Exclude<RecordOutcome, 'failed'> }
}

function chainOutcomes(
  batch: Batch,
  redrives: Redrives,
  outcomeOf: (offset: number) => RecordOutcome,
): ChainOutcome[] {
  const chains = new Map<string, ChainOutcome>()
  for (const { offset } of batch.records) {
    const text = redrives.get(offset)
    if (text === undefined) continue
    const chain = chains.get(text) ?? { origin: parseOrigin(text)!, failures: 0 }
    chains.set(text, chain)
    const outcome = outcomeOf(offset)
    if (outcome === 'failed') {
      chain.failures += 1
      chain.lastFailure = offset
    } else chain.success = { offset, as: chain.success?.as ?? outcome } // its copies are duplicates
  }
  return [...chains.values()]
}
