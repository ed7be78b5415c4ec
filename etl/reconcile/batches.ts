import type { Stream } from '../stream/compile.ts'
import { namesBatch } from '../stream/stored.ts'
import { count, thousands } from '../text/wording.ts'
import { notTheSum } from './render.ts'
import { firstOfEachKind, groupByKind, type OfAKind } from './findings.ts'
import type { CheckResult, Counts, OpeningBalance, PartitionReport } from './report.ts'
import { ofStream, type Snapshot } from './snapshot.ts'

type Totals = Pick<
  PartitionReport,
  keyof Counts | 'partition' | 'incarnation' | 'batches' | 'dropped' | 'pruned'
>

/** What one incarnation of a partition adds up to; without a topic, rows that no book has. */
export interface BatchTotals extends Totals {
  readonly topic: string | null
}

/** What an opening balance says, beside the rows that are still there of its batches. */
export interface Opening extends OpeningBalance, Totals {
  readonly topic: string
  readonly facts: number
  readonly letters: number
}

/**
 * What was loaded, one row a record, each with its batch: it names that, or is of the one whose range in the ledger has
 * its offset. Of batches that were folded all rows of an incarnation come as one.
 */
export function loadedRows({ name, counted: table, definition }: Stream): string {
  if (namesBatch(definition)) return `warehouse.${table}`
  return `(
    select coalesce(b.batch_id, concat('no batch, source ', t.source_partition, ', incarnation ', t.incarnation)) as batch_id,
           t.source_offset, t.source_partition, t.incarnation
    from warehouse.${table} t
    left join audit.partition_progress p on p.stream = '${name}' and p.source_partition = t.source_partition
    left join lateral (
      select batch_id, to_offset from audit.pipeline_batches b
      where b.topic = p.topic and b.partition = p.partition and b.incarnation = t.incarnation
        and b.from_offset <= t.source_offset
      order by b.from_offset desc limit 1
    ) b on b.to_offset > t.source_offset
  )`
}

/**
 * Every batch beside what is really there of it. Facts and dead letters are counted where they are; the
 * ledger is only what they are held against. Rows whose batch was folded are counted for the opening
 * balance that has their offsets.
 */
const counted = (stream: Stream): string => `
  facts as (
    select batch_id, n, low, high, a.topic, a.partition as min_partition, z.partition as max_partition, min_incarnation,
           max_incarnation, a.partition is null or z.partition is null as unknown_source
    from (
      select batch_id, count(*) as n, min(source_offset) as low, max(source_offset) as high,
             min(source_partition) as min_source, max(source_partition) as max_source,
             min(incarnation) as min_incarnation, max(incarnation) as max_incarnation
      from ${loadedRows(stream)} loaded group by batch_id
    ) f
    left join audit.partition_progress a on a.stream = '${stream.name}' and a.source_partition = min_source
    left join audit.partition_progress z on z.stream = '${stream.name}' and z.source_partition = max_source
  ), letters as (
    select batch_id, count(*) as n, min("offset") as low, max("offset") as high, min(topic) as topic,
           min(partition) as min_partition, max(partition) as max_partition,
           min(incarnation) as min_incarnation, max(incarnation) as max_incarnation
    from audit.dead_letters where ${ofStream(stream.name)} group by batch_id
  ), counted as materialized (
    select batch_id, b.topic, b.partition, b.incarnation, b.from_offset, b.to_offset,
           b.consumed, b.loaded, b.duplicate, b.skipped, b.dead_lettered, b.dropped,
           coalesce(f.n, 0) as facts, coalesce(l.n, 0) as letters,
           least(f.low, l.low) as low, greatest(f.high, l.high) as high, coalesce(f.topic, l.topic) as from_topic,
           least(f.min_partition, l.min_partition) as min_partition,
           greatest(f.max_partition, l.max_partition) as max_partition, coalesce(unknown_source, false) as unknown_source,
           least(f.min_incarnation, l.min_incarnation) as min_incarnation,
           greatest(f.max_incarnation, l.max_incarnation) as max_incarnation,
           b.topic || ':' || b.partition || ':' || b.from_offset || '-' || (b.to_offset - 1)
             || case when b.incarnation = 1 then '' else ':' || b.incarnation end as name
    from (select * from audit.pipeline_batches where ${ofStream(stream.name)}) b full join facts f using (batch_id) full join letters l using (batch_id)
  ), covered as materialized (
    select c.batch_id, topic, partition, incarnation, c.facts, c.letters
    from (
      select batch_id, from_topic as topic, min_partition as partition, min_incarnation as incarnation,
             facts, letters, low, high
      from counted
      where topic is null and min_partition = max_partition and min_incarnation = max_incarnation
    ) c
    join audit.opening_balances o using (topic, partition, incarnation)
    where c.low >= o.from_offset and c.high < o.to_offset
  ), openings as materialized (
    select topic, partition, incarnation, o.from_offset, o.to_offset, o.batches, o.consumed, o.loaded, o.duplicate,
           o.skipped, o.dead_lettered, o.dropped, o.dead_letters_pruned as pruned,
           coalesce(sum(c.facts), 0) as facts, coalesce(sum(c.letters), 0) as letters
    from audit.opening_balances o left join covered c using (topic, partition, incarnation)
    where ${ofStream(stream.name)}
    group by o.topic, o.partition, o.incarnation
  )`

const MISMATCHES = `
  select 'not in the ledger' as kind, * from kinds where topic is null and batch_id not in (select batch_id from covered)
  union all
  select 'loaded', * from kinds where facts + dropped <> loaded
  union all
  select 'dead-lettered', * from kinds where letters <> dead_lettered
  union all
  select 'consumed', * from kinds where consumed <> loaded + duplicate + skipped + dead_lettered
  union all
  select 'origin', * from kinds
  where low < from_offset or high >= to_offset or min_partition <> partition or max_partition <> partition
    or min_incarnation <> incarnation or max_incarnation <> incarnation or from_topic <> topic or unknown_source
  union all
  select 'name', * from kinds where batch_id <> name`

interface BatchRow extends OfAKind {
  readonly batch_id: string
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly skipped: number
  readonly dead_lettered: number
  readonly dropped: number
  readonly facts: number
  readonly letters: number
  readonly low: number
  readonly high: number
  readonly from_offset: number
  readonly to_offset: number
  readonly name: string
}

/** The totals of a partition's incarnation: its batches, and the opening balance before them. */
const TOTALS = `
  select topic, partition, incarnation, sum(batches) as batches, coalesce(sum(consumed), 0) as consumed,
         coalesce(sum(facts), 0) + coalesce(sum(dropped), 0) as loaded, coalesce(sum(duplicate), 0) as duplicate,
         coalesce(sum(skipped), 0) as skipped,
         coalesce(sum(letters), 0) + coalesce(sum(pruned), 0) as "deadLettered", coalesce(sum(dropped), 0) as dropped,
         coalesce(sum(pruned), 0) as pruned
  from (
    select topic, partition, incarnation, 1 as batches, consumed, facts, dropped, duplicate, skipped, letters, 0 as pruned
    from counted where topic is not null
    union all
    select topic, partition, incarnation, batches, consumed, facts, dropped, duplicate, skipped, letters, pruned from openings
    union all
    select null, null, null, 0, 0, facts, 0, 0, 0, letters, 0
    from counted where topic is null and batch_id not in (select batch_id from covered)
  ) parts
  group by topic, partition, incarnation order by topic, partition, incarnation`

/**
 * For each batch consumed = loaded + duplicate + skipped + dead-lettered, loaded and dead-lettered as counted from
 * the rows, with the facts that were dropped for their age; no fact and no dead letter that is in no book
 * or outside its batch's range.
 */
export async function checkBatches(
  snapshot: Snapshot,
  stream: Stream,
): Promise<CheckResult & { totals: BatchTotals[]; openings: Opening[] }> {
  const { rows } = await snapshot.query<{
    totals: BatchTotals[] | null
    openings: Opening[] | null
    mismatches: BatchRow[] | null
  }>(
    `with ${counted(stream)}, kinds as (select *, coalesce(topic || to_char(from_offset, '0000000000000000000'), batch_id) as sort from counted)
     select (
       select json_agg(t) from (${TOTALS}) t
     ) as totals, (
       select json_agg(o) from (
         select topic, partition, incarnation, from_offset as "fromOffset", to_offset as "toOffset", batches, consumed, loaded,
                duplicate, skipped, dead_lettered as "deadLettered", dropped, pruned, facts, letters
         from openings order by topic, partition, incarnation
       ) o
     ) as openings, (
       select json_agg(n) from (${firstOfEachKind(MISMATCHES)}) n
     ) as mismatches`,
  )
  const { mismatches } = rows[0]!
  const totals = rows[0]!.totals ?? []
  const add = (key: 'loaded' | 'deadLettered' | 'dropped' | 'pruned') =>
    totals.reduce((total, row) => total + row[key], 0)
  return {
    rule: 'in each batch consumed = loaded + duplicate + skipped + dead-lettered, counted from the rows themselves',
    scope: `${count(add('loaded') - add('dropped'), 'fact')} and ${count(add('deadLettered') - add('pruned'), 'dead letter')}`,
    findings: groupByKind(mismatches ?? [], (row) => ({
      subject: `batch ${row.batch_id}`,
      message: sentence(row),
    })),
    totals,
    openings: rows[0]!.openings ?? [],
  }
}

function sentence(row: BatchRow): string {
  switch (row.kind) {
    case 'not in the ledger':
      return `${count(row.facts, 'fact')} and ${count(row.letters, 'dead letter')} have this batch, the ledger has it not`
    case 'loaded':
      return `${thousands(row.loaded)} loaded by the ledger, but ${thousands(row.facts)} facts are there${alsoDropped(row)}`
    case 'dead-lettered':
      return `${thousands(row.dead_lettered)} dead-lettered by the ledger, but ${thousands(row.letters)} dead letters are there`
    case 'consumed':
      return notTheSum({ ...row, deadLettered: row.dead_lettered })
    case 'origin':
      return `its rows have offsets ${row.low} to ${row.high}, or another partition or incarnation; the batch is ${row.from_offset} to ${row.to_offset - 1}`
    default:
      return `its range is that of ${row.name}`
  }
}

const alsoDropped = ({ dropped }: BatchRow): string =>
  dropped === 0 ? '' : ` and ${thousands(dropped)} were dropped for their age`
