import { count, offsets } from '../text/wording.ts'
import { findMismatches } from './findings.ts'
import type { CheckResult } from './report.ts'
import type { Snapshot } from './snapshot.ts'

interface RangeMismatch {
  readonly topic: string
  readonly partition: number
  readonly incarnation: number
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
const MISMATCHES = `
  select topic, partition, incarnation, name, from_offset, to_offset, expected, (topic, partition, incarnation, from_offset) as sort,
         case when expected is null then 'no watermark' when from_offset > expected then 'gap' else 'overlap' end as kind
  from (
    select r.topic, r.partition, r.incarnation, r.name, r.from_offset, r.to_offset,
           case when p.incarnation is null or r.incarnation > p.incarnation then null
                else coalesce(max(r.to_offset) over earlier,
                              case when r.incarnation = p.incarnation then p.first_offset else r.from_offset end)
           end as expected
    from (
      select topic, partition, incarnation, from_offset, to_offset, 0 as last, 'batch ' || batch_id as name from audit.pipeline_batches
      union all
      select topic, partition, incarnation, from_offset, to_offset, 0, 'the opening balance' from audit.opening_balances
      union all
      select topic, partition, incarnation, from_offset, to_offset, 0, 'the data loss at ' || from_offset from audit.data_losses l
      where not exists (
        select from audit.opening_balances o
        where (o.topic, o.partition, o.incarnation) = (l.topic, l.partition, l.incarnation)
          and l.from_offset >= o.from_offset and l.to_offset <= o.to_offset)
      union all
      select topic, partition, incarnation, next_offset, next_offset, 1, 'the watermark' from audit.partition_progress
    ) r
    left join audit.partition_progress p using (topic, partition)
    window earlier as (partition by r.topic, r.partition, r.incarnation order by r.last, r.from_offset, r.to_offset
                       rows between unbounded preceding and 1 preceding)
  ) ranges
  where expected is null or from_offset <> expected`

/** Opening balances, ledger ranges and data losses tile without gap or overlap from the first offset to the watermark. */
export async function checkRanges(snapshot: Snapshot): Promise<CheckResult> {
  const findings = await findMismatches<RangeMismatch>(
    snapshot,
    MISMATCHES,
    ({ topic, partition, incarnation }) =>
      `${topic}/${partition}${incarnation === 1 ? '' : ` (incarnation ${incarnation})`}`,
    sentence,
  )
  const { rows } = await snapshot.query<{
    batches: number
    openings: number
    losses: number
    partitions: number
  }>(
    `select (select count(*) from audit.pipeline_batches) as batches,
            (select count(*) from audit.opening_balances) as openings,
            (select count(*) from audit.data_losses) as losses,
            (select count(*) from audit.partition_progress) as partitions`,
  )
  const { batches, openings, losses, partitions } = rows[0]!
  return {
    rule: 'the ranges of the ledger tile without gap or overlap, from the first offset to the watermark',
    scope:
      `${count(openings, 'opening balance')}, ${count(batches, 'batch', 'batches')} and ${count(losses, 'data loss', 'data losses')} ` +
      `in ${count(partitions, 'partition')}`,
    findings,
  }
}

function sentence(row: RangeMismatch & { kind: string }): string {
  const { kind, name, from_offset: from, to_offset: to, expected } = row
  if (kind === 'no watermark') return `${name} belongs to no watermark`
  if (kind === 'gap') return `no batch has ${offsets(expected, from)}; next is ${name}`
  if (name === 'the watermark')
    return `the watermark is ${from}, but the ledger goes on: ${offsets(from, expected)}`
  const twice = offsets(from, Math.min(to, expected))
  return `${name} begins at ${from}, but the ranges before it reach ${expected}; accounted for twice: ${twice}`
}
