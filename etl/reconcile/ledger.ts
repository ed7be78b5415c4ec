import type { PgTable } from 'drizzle-orm/pg-core'
import { sql } from '../postgres/drizzle.ts'
import { columnsOf, on, read } from '../postgres/query.ts'
import { dataLosses, partitionProgress, pipelineBatches } from '../schema/audit.ts'
import { openingBalances } from '../schema/operations.ts'
import { count, offsets, thousands } from '../text/wording.ts'
import { notTheSum } from './render.ts'
import type { Opening } from './batches.ts'
import { findMismatches, Findings } from './findings.ts'
import type { CheckResult, DataLoss, Incarnation } from './report.ts'
import type { Stream } from '../stream/compile.ts'
import { ofStream, type Snapshot } from './snapshot.ts'

interface RangeMismatch extends Incarnation {
  readonly name: string
  readonly from_offset: number
  readonly to_offset: number
  readonly expected: number
}

/**
 * Each incarnation's ranges, ordered, must begin where the one before ended: the first of the current
 * incarnation at its first offset, and behind the last stands the watermark. `expected` is the furthest
 * end before a range, so that one long range that covers others is seen too. Of an incarnation that is
 * over, the first offset and the watermark are not kept: only its inside can be proved. An opening balance
 * stands for the batches that were folded into it and for the losses between them.
 */
const mismatches = (stream: string): string => `
  select topic, partition, incarnation, name, from_offset, to_offset, expected, (topic, partition, incarnation, from_offset) as sort,
         case when expected is null then 'no watermark' when from_offset > expected then 'gap' else 'overlap' end as kind
  from (
    select r.topic, r.partition, r.incarnation, r.name, r.from_offset, r.to_offset,
           case when p.incarnation is null or r.incarnation > p.incarnation then null
                else coalesce(max(r.to_offset) over earlier,
                              case when r.incarnation = p.incarnation then p.first_offset else r.from_offset end)
           end as expected
    from (
      select topic, partition, incarnation, from_offset, to_offset, 0 as last, 'batch ' || batch_id as name
      from audit.pipeline_batches where ${ofStream(stream)}
      union all
      select topic, partition, incarnation, from_offset, to_offset, 0, 'the opening balance' from audit.opening_balances
      where ${ofStream(stream)}
      union all
      select topic, partition, incarnation, from_offset, to_offset, 0, 'the data loss at ' || from_offset from audit.data_losses l
      where ${ofStream(stream)} and not exists (
        select from audit.opening_balances o
        where (o.topic, o.partition, o.incarnation) = (l.topic, l.partition, l.incarnation)
          and l.from_offset >= o.from_offset and l.to_offset <= o.to_offset)
      union all
      select topic, partition, incarnation, next_offset, next_offset, 1, 'the watermark' from audit.partition_progress
      where stream = '${stream}'
    ) r
    left join audit.partition_progress p using (topic, partition)
    window earlier as (partition by r.topic, r.partition, r.incarnation order by r.last, r.from_offset, r.to_offset
                       rows between unbounded preceding and 1 preceding)
  ) ranges
  where expected is null or from_offset <> expected`

/** Opening balances, ledger ranges and data losses tile without gap or overlap from the first offset to the watermark. */
export async function checkRanges(snapshot: Snapshot, { name: stream }: Stream): Promise<CheckResult> {
  const findings = await findMismatches<RangeMismatch>(snapshot, mismatches(stream), nameOf, sentence)
  const [found] = await read(
    snapshot,
    {
      batches: rowsOf(pipelineBatches, stream),
      openings: rowsOf(openingBalances, stream),
      losses: rowsOf(dataLosses, stream),
      partitions: rowsOf(partitionProgress, stream),
    },
    (columns) => sql`select ${columns}`,
  )
  const { batches, openings, losses, partitions } = found!
  return {
    rule: 'the ranges of the ledger tile without gap or overlap, from the first offset to the watermark',
    scope:
      `${count(openings, 'opening balance')}, ${count(batches, 'batch', 'batches')} and ${count(losses, 'data loss', 'data losses')} ` +
      `in ${count(partitions, 'partition')}`,
    findings,
  }
}

const rowsOf = (table: PgTable, stream: string) =>
  sql<number>`(select count(*) from ${table} where ${sql.raw(ofStream(stream))})`

function sentence(row: RangeMismatch & { kind: string }): string {
  const { kind, name, from_offset: from, to_offset: to, expected } = row
  if (kind === 'no watermark') return `${name} belongs to no watermark`
  if (kind === 'gap') return `no batch has ${offsets(expected, from)}; next is ${name}`
  if (name === 'the watermark')
    return `the watermark is ${from}, but the ledger goes on: ${offsets(from, expected)}`
  const twice = offsets(from, Math.min(to, expected))
  return `${name} begins at ${from}, but the ranges before it reach ${expected}; accounted for twice: ${twice}`
}

/**
 * What housekeeping has folded still adds up: of the batches in an opening balance each loaded record is a
 * fact that is there or was dropped for its age, each dead-lettered one a dead letter that is there or was
 * pruned.
 */
export function checkOpenings(openings: readonly Opening[]): CheckResult {
  const findings = new Findings()
  for (const opening of openings) {
    const { consumed, loaded, duplicate, skipped, deadLettered, facts, dropped, letters, pruned } = opening
    const subject = nameOf(opening)
    if (facts + dropped !== loaded) {
      const message = `${thousands(loaded)} loaded, but ${thousands(facts)} facts are there and ${thousands(dropped)} were dropped for their age`
      findings.add('loaded', subject, message)
    }
    if (letters + pruned !== deadLettered) {
      const message = `${thousands(deadLettered)} dead-lettered, but ${thousands(letters)} dead letters are there and ${thousands(pruned)} were pruned`
      findings.add('dead-lettered', subject, message)
    }
    if (consumed !== loaded + duplicate + skipped + deadLettered) {
      const message = notTheSum(opening)
      findings.add('consumed', subject, message)
    }
  }
  return {
    rule: 'what was folded into opening balances adds up with the rows that are left of it',
    scope: count(openings.length, 'opening balance'),
    findings: findings.groups,
  }
}

const nameOf = ({ topic, partition, incarnation }: Incarnation): string =>
  `${topic}/${partition}${incarnation === 1 ? '' : ` (incarnation ${incarnation})`}`

/** No data loss is open: an operator has acknowledged each with a reason. All of them are told. */
export async function checkLosses(
  snapshot: Snapshot,
  { name: stream }: Stream,
): Promise<CheckResult & { losses: DataLoss[] }> {
  const { topic, partition, incarnation, fromOffset, toOffset } = dataLosses
  const found = { topic, partition, incarnation, fromOffset, toOffset }
  const seen = columnsOf(dataLosses, 'detectedAt', 'acknowledgedAt', 'acknowledgedBy', 'reason')
  const rows = await on(snapshot)
    .select({ ...found, ...seen })
    .from(dataLosses)
    .where(sql.raw(ofStream(stream)))
    .orderBy(topic, partition, incarnation, fromOffset)
  const findings = new Findings()
  const losses = rows.map((row) => ({
    ...row,
    detectedAt: row.detectedAt.toISOString(),
    acknowledgedAt: row.acknowledgedAt?.toISOString() ?? null,
  }))
  for (const loss of losses) {
    if (loss.acknowledgedAt !== null) continue
    findings.add(
      'not acknowledged',
      `${loss.topic}/${loss.partition}`,
      `lost before they were loaded: ${offsets(loss.fromOffset, loss.toOffset)} (found ${loss.detectedAt}); ` +
        `pulse partitions acknowledge-loss ${loss.partition} ${loss.fromOffset} --reason …`,
    )
  }
  return {
    rule: 'each data loss is acknowledged, with a reason',
    scope: count(losses.length, 'data loss', 'data losses'),
    findings: findings.groups,
    losses,
  }
}
