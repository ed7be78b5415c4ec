import type { ClientBase, Pool } from 'pg'
import type { Fact } from '../stream/types.ts'
import { bools, hundredths, int4s, int8s, texts, timestamps, uuids } from '../postgres/binary-arrays.ts'
import { CONTRACT_NAMES, contractArrays, contractNames, contractValues } from '../stream/contract-columns.ts'
import { textArrayLiteral } from '../stream/facts.ts'
import type { PartitionId } from '../ledger/progress.ts'

/** How far a replay has come in a partition. */
export interface ReplayProgress extends PartitionId {
  readonly incarnation: number
  readonly from: number
  /** One past the last. */
  readonly to: number
  readonly next: number
}

/** The partitions of a topic that have a watermark, ascending. */
export async function partitionsLoaded(pool: Pool, topic: string): Promise<number[]> {
  const { rows } = await pool.query<{ partition: number }>(
    'select partition from audit.partition_progress where topic = $1 order by partition',
    [topic],
  )
  return rows.map(({ partition }) => partition)
}

export async function insertReplayRanges(
  client: ClientBase,
  actionId: number,
  ranges: readonly Omit<ReplayProgress, 'next'>[],
): Promise<void> {
  for (const { topic, partition, incarnation, from, to } of ranges) {
    await client.query(
      `insert into audit.replay_ranges (action_id, topic, partition, incarnation, from_offset, to_offset, next_offset)
       values ($1, $2, $3, $4, $5, $6, $5)`,
      [actionId, topic, partition, incarnation, from, to],
    )
  }
}

export async function readReplayRanges(pool: Pool, actionId: number): Promise<ReplayProgress[]> {
  const { rows } = await pool.query<ReplayProgress>(
    `select topic, partition, incarnation, from_offset as "from", to_offset as "to", next_offset as next
     from audit.replay_ranges where action_id = $1 order by partition`,
    [actionId],
  )
  return rows
}

/** @throws Error where the range is not at `from`: then this part was gone through before. */
export async function advanceReplayRange(
  client: ClientBase,
  actionId: number,
  { partition, from, to }: { partition: number; from: number; to: number },
  counts: { records: number; changed: number },
): Promise<void> {
  const { rowCount } = await client.query(
    `update audit.replay_ranges set next_offset = $4, records = records + $5, changed = changed + $6
     where action_id = $1 and partition = $2 and next_offset = $3`,
    [actionId, partition, from, to, counts.records, counts.changed],
  )
  if (rowCount !== 1) throw new Error(`replay ${actionId} is no longer at offset ${from} of ${partition}`)
}

/** What it found so far: shown while it runs, and gone on from after a stop or a crash. */
export async function saveReplayResult(client: ClientBase, actionId: number, result: object): Promise<void> {
  await client.query('update audit.operator_actions set result = $2 where id = $1', [
    actionId,
    JSON.stringify(result),
  ])
}

/** Whose record a fact is. */
export interface Source {
  readonly partition: number
  readonly incarnation: number
}

/** What a stored fact holds of what the transform derives. */
export interface StoredDerivation extends Pick<
  Fact,
  'offset' | 'taxCents' | 'totalCents' | 'isFraudFlagged' | 'fraudScore' | 'fraudReasons'
> {
  /** Whether its contract values are those of the record. */
  readonly sameValues: boolean
}

/**
 * The stored facts among these whose source is the very record: an order's other records, and facts whose
 * month was dropped, are not found.
 *
 * Without a lock on the rows: only a replay updates facts, and it holds the lock of the partition's
 * progress row, so nobody else changes these until it ends. A month can't be dropped meanwhile: that needs
 * its table alone, which this statement shares until the transaction ends.
 *
 * OFFSET 0 makes it a look-up by key for each fact, whatever the statistics say: where they are older than
 * the facts, the planner believes in a handful of rows and compares each with each.
 */
export async function findDerivations(
  client: ClientBase,
  facts: readonly Fact[],
  source: Source,
): Promise<Map<number, StoredDerivation>> {
  const { rows } = await client.query<StoredDerivation>({
    name: 'find-derivations',
    text: `select f.source_offset as "offset", (t.tax_amount * 100)::bigint as "taxCents",
                  (t.total_amount * 100)::bigint as "totalCents", t.is_fraud_flagged as "isFraudFlagged",
                  t.fraud_score as "fraudScore", t.fraud_reasons as "fraudReasons",
                  (${contractNames('t')}) = (${contractNames('f')}) as "sameValues"
           from unnest($3::timestamptz[], $4::uuid[], $5::int8[], ${contractArrays(6)})
             as f (at, order_id, source_offset, ${CONTRACT_NAMES})
           cross join lateral (
             select * from warehouse.transactions t
             where t.transaction_timestamp = f.at and t.order_id = f.order_id offset 0
           ) t
           where t.source_partition = $1 and t.incarnation = $2 and t.source_offset = f.source_offset`,
    values: [
      source.partition,
      source.incarnation,
      timestamps(facts.map((fact) => fact.timestampMicros)),
      uuids(facts.map((fact) => fact.orderId)),
      int8s(facts.map((fact) => fact.offset)),
      ...contractValues(facts),
    ],
  })
  return new Map(rows.map((row) => [row.offset, row]))
}

/**
 * Stores what was derived anew of facts that findDerivations has found in this transaction: no two of them
 * have a key in common, and all are there.
 *
 * Planned anew each time (no name), with the month that they begin in as a constant, so that no older one is
 * locked: that would wait for the oldest where it is being dropped. Not with their own times, which would
 * look like a handful of rows where the facts are newer than the statistics.
 */
export async function updateDerivations(client: ClientBase, facts: readonly Fact[]): Promise<void> {
  const { rowCount } = await client.query({
    text: `update warehouse.transactions t
           set tax_amount = f.tax, total_amount = f.total, is_fraud_flagged = f.flagged, fraud_score = f.score,
               fraud_reasons = f.reasons::text[]
           from unnest($1::timestamptz[], $2::uuid[], $3::numeric[], $4::numeric[], $5::bool[], $6::int4[], $7::text[])
             as f (at, order_id, tax, total, flagged, score, reasons)
           where t.transaction_timestamp = f.at and t.order_id = f.order_id
             and t.transaction_timestamp >= $8`,
    values: [
      timestamps(facts.map((fact) => fact.timestampMicros)),
      uuids(facts.map((fact) => fact.orderId)),
      hundredths(facts.map((fact) => fact.taxCents)),
      hundredths(facts.map((fact) => fact.totalCents)),
      bools(facts.map((fact) => fact.isFraudFlagged)),
      int4s(facts.map((fact) => fact.fraudScore)),
      texts(facts.map((fact) => textArrayLiteral(fact.fraudReasons))),
      firstMonth(facts),
    ],
  })
  if (rowCount !== facts.length)
    throw new Error(`of ${facts.length} facts that were found only ${rowCount} were updated`)
}

/** When the month begins, in UTC, that the earliest of them is in. */
function firstMonth(facts: readonly Fact[]): Date {
  const earliest = facts.reduce((first, fact) => Math.min(first, fact.timestampMicros), Infinity)
  const date = new Date(Math.floor(earliest / 1_000))
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()))
}
