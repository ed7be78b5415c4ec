import { count, thousands } from '../wording.ts'
import { firstOfEachKind, groupByKind, type OfAKind } from './findings.ts'
import type { Counts, Finding, CheckResult } from './report.ts'
import type { Snapshot } from './snapshot.ts'

/** What the rows of one incarnation of a partition add up to; without a topic, those of no batch. */
export interface BatchTotals extends Counts {
  readonly topic: string | null
  readonly partition: number
  readonly incarnation: number
  readonly batches: number
}

/**
 * Every batch beside what is really there of it. Facts and dead letters are counted where they are; the
 * ledger is only what they are held against.
 */
const COUNTED = `
  facts as (
    select batch_id, count(*) as n, min(source_offset) as low, max(source_offset) as high,
           min(source_partition) as min_partition, max(source_partition) as max_partition,
           min(incarnation) as min_incarnation, max(incarnation) as max_incarnation
    from warehouse.transactions group by batch_id
  ), letters as (
    select batch_id, count(*) as n, min("offset") as low, max("offset") as high,
           min(partition) as min_partition, max(partition) as max_partition,
           min(incarnation) as min_incarnation, max(incarnation) as max_incarnation
    from audit.dead_letters group by batch_id
  ), counted as materialized (
    select batch_id, b.topic, b.partition, b.incarnation, b.from_offset, b.to_offset,
           b.consumed, b.loaded, b.duplicate, b.dead_lettered,
           coalesce(f.n, 0) as facts, coalesce(l.n, 0) as letters,
           least(f.low, l.low) as low, greatest(f.high, l.high) as high,
           least(f.min_partition, l.min_partition) as min_partition,
           greatest(f.max_partition, l.max_partition) as max_partition,
           least(f.min_incarnation, l.min_incarnation) as min_incarnation,
           greatest(f.max_incarnation, l.max_incarnation) as max_incarnation,
           b.topic || ':' || b.partition || ':' || b.from_offset || '-' || (b.to_offset - 1)
             || case when b.incarnation = 1 then '' else ':' || b.incarnation end as name
    from audit.pipeline_batches b full join facts f using (batch_id) full join letters l using (batch_id)
  )`

const MISMATCHES = `
  select 'not in the ledger' as kind, * from kinds where topic is null
  union all
  select 'loaded', * from kinds where facts <> loaded
  union all
  select 'dead-lettered', * from kinds where letters <> dead_lettered
  union all
  select 'consumed', * from kinds where consumed <> loaded + duplicate + dead_lettered
  union all
  select 'origin', * from kinds
  where low < from_offset or high >= to_offset or min_partition <> partition or max_partition <> partition
    or min_incarnation <> incarnation or max_incarnation <> incarnation
  union all
  select 'name', * from kinds where batch_id <> name`

interface BatchRow extends OfAKind {
  readonly batch_id: string
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly dead_lettered: number
  readonly facts: number
  readonly letters: number
  readonly low: number
  readonly high: number
  readonly from_offset: number
  readonly to_offset: number
  readonly name: string
}

/**
 * For each batch consumed = loaded + duplicate + dead-lettered, loaded and dead-lettered as counted from
 * the rows; no fact and no dead letter without a batch or outside its batch's range.
 */
export async function checkBatches(snapshot: Snapshot): Promise<CheckResult & { totals: BatchTotals[] }> {
  const { rows } = await snapshot.query<{ totals: BatchTotals[] | null; mismatches: BatchRow[] | null }>(
    `with ${COUNTED}, kinds as (select *, coalesce(topic || to_char(from_offset, '0000000000000000000'), batch_id) as sort from counted)
     select (
       select json_agg(t) from (
         select topic, partition, incarnation, count(from_offset) as batches, coalesce(sum(consumed), 0) as consumed,
                sum(facts) as loaded, coalesce(sum(duplicate), 0) as duplicate, sum(letters) as "deadLettered"
         from counted group by topic, partition, incarnation order by topic, partition, incarnation
       ) t
     ) as totals, (
       select json_agg(n) from (${firstOfEachKind(MISMATCHES)}) n
     ) as mismatches`,
  )
  const { mismatches } = rows[0]!
  const totals = rows[0]!.totals ?? []
  const add = (key: 'loaded' | 'deadLettered') => totals.reduce((total, row) => total + row[key], 0)
  return {
    rule: 'in each batch consumed = loaded + duplicate + dead-lettered, counted from the rows themselves',
    scope: `${count(add('loaded'), 'fact')} and ${count(add('deadLettered'), 'dead letter')}`,
    findings: groupByKind(mismatches ?? [], describe),
    totals,
  }
}

function describe(row: BatchRow): Finding {
  return { subject: `batch ${row.batch_id}`, message: sentence(row) }
}

function sentence(row: BatchRow): string {
  switch (row.kind) {
    case 'not in the ledger':
      return `${count(row.facts, 'fact')} and ${count(row.letters, 'dead letter')} have this batch, the ledger has it not`
    case 'loaded':
      return `${thousands(row.loaded)} loaded by the ledger, but ${thousands(row.facts)} facts are there`
    case 'dead-lettered':
      return `${thousands(row.dead_lettered)} dead-lettered by the ledger, but ${thousands(row.letters)} dead letters are there`
    case 'consumed':
      return `${thousands(row.consumed)} consumed is not ${thousands(row.loaded)} + ${thousands(row.duplicate)} + ${thousands(row.dead_lettered)}`
    case 'origin':
      return `its rows have offsets ${row.low} to ${row.high}, or another partition or incarnation; the batch is ${row.from_offset} to ${row.to_offset - 1}`
    default:
      return `its range is that of ${row.name}`
  }
}
