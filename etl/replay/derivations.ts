import type { ClientBase } from 'pg'
import type { Fact } from '../stream/types.ts'
import { bools, hundredths, int4s, int8s, texts, timestamps, uuids } from '../postgres/binary-arrays.ts'
import { CONTRACT_NAMES, contractArrays, contractNames, contractValues } from '../stream/contract-columns.ts'
import { textArrayLiteral } from '../stream/facts.ts'
import type { PlannedRange } from './plan.ts'

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
  source: Pick<PlannedRange, 'partition' | 'incarnation'>,
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

/** A fact as it is stored, and as the current code derives it. */
export interface Comparison {
  readonly stored: Fact
  readonly fact: Fact
}

/** Holds facts against what is stored of them. */
export function compare(
  facts: readonly Fact[],
  stored: ReadonlyMap<number, StoredDerivation>,
): { same: Comparison[]; changed: Comparison[]; otherValues: number } {
  const same: Comparison[] = []
  const changed: Comparison[] = []
  let otherValues = 0
  for (const fact of facts) {
    const found = stored.get(fact.offset)
    if (found === undefined) continue
    const { sameValues, ...derivation } = found
    if (!sameValues) otherValues += 1
    else (isSame(fact, derivation) ? same : changed).push({ fact, stored: { ...fact, ...derivation } })
  }
  return { same, changed, otherValues }
}

function isSame(a: Fact, b: Omit<StoredDerivation, 'sameValues'>): boolean {
  return (
    a.taxCents === b.taxCents &&
    a.totalCents === b.totalCents &&
    a.isFraudFlagged === b.isFraudFlagged &&
    a.fraudScore === b.fraudScore &&
    a.fraudReasons.length === b.fraudReasons.length &&
    a.fraudReasons.every((reason, i) => reason === b.fraudReasons[i])
  )
}
