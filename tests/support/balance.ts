import type { Pool, PoolClient } from 'pg'
import type { Definition } from '../../etl/stream/definition.ts'
import { stream } from './stream.ts'

/**
 * The product's central promise, checked by SQL that shares nothing with the product's own reconcile, nor with
 * what `compile` makes: what is wrong with a warehouse's books, a line each; empty where they balance.
 */
export async function imbalances(
  pool: Pool | PoolClient,
  of: Definition = stream.definition,
): Promise<string[]> {
  const found: string[] = []
  for (const [what, sql] of Object.entries({ ...ofTheBooks(of), ...ofTheStream(of) })) {
    const { rows } = await pool.query(sql)
    for (const row of rows) found.push(`${what}: ${JSON.stringify(row)}`)
  }
  return found
}

/**
 * Ranges of the ledger, the beginnings that were folded into opening balances, and ranges on record as lost
 * behind those: together they are all offsets ever passed.
 */
const PIECES = `
  select topic, partition, incarnation, from_offset, to_offset from audit.pipeline_batches
  union all
  select topic, partition, incarnation, from_offset, to_offset from audit.opening_balances
  union all
  select topic, partition, incarnation, from_offset, to_offset from audit.data_losses
  where (topic, partition, incarnation) not in (select topic, partition, incarnation from audit.opening_balances)
     or from_offset >= (select o.to_offset from audit.opening_balances o
                        where (o.topic, o.partition, o.incarnation) = (data_losses.topic, data_losses.partition, data_losses.incarnation))`

/** Of a topic of this stream, or of none: what no stream has is wrong for each. */
const isOf = (name: string) =>
  `topic not in (select topic from audit.partition_progress where stream <> '${name}')`

/** What was loaded, a row for each record: facts, or versions. Those that don't name their batch are of it by their offset. */
const loaded = ({ name, identity, lineage }: Definition) =>
  identity.latest === undefined && lineage !== 'origin'
    ? `select batch_id, split_part(batch_id, ':', 1) as topic, source_partition % 10000 as partition, incarnation, source_offset as at,
              1 as fact, 0 as letter
       from warehouse.${name}`
    : `select b.batch_id, g.topic, g.partition, f.incarnation, f.source_offset as at, 1 as fact, 0 as letter
       from warehouse.${identity.latest === undefined ? name : `${name}_history`} f
       left join audit.partition_progress g on (g.stream, g.source_partition) = ('${name}', f.source_partition)
       left join lateral (
         select batch_id from audit.pipeline_batches
         where (topic, partition, incarnation) = (g.topic, g.partition, f.incarnation) and from_offset <= f.source_offset
         order by from_offset desc limit 1
       ) b on true`

/** Facts and dead letters, each under the name of the book that accounts for it: its batch, or an opening balance. */
const stored = (of: Definition) => `
  select coalesce(b.batch_id, 'opening ' || o.topic || ' ' || o.partition || ' ' || o.incarnation) as book, s.*
  from (
    ${loaded(of)}
    union all
    select batch_id, topic, partition, incarnation, "offset", 0, 1 from audit.dead_letters where ${isOf(of.name)}
  ) s
  left join audit.pipeline_batches b
    on (b.batch_id, b.topic, b.partition, b.incarnation) = (s.batch_id, s.topic, s.partition, s.incarnation)
    and s.at >= b.from_offset and s.at < b.to_offset
  left join audit.opening_balances o
    on (o.topic, o.partition, o.incarnation) = (s.topic, s.partition, s.incarnation)
    and s.at >= o.from_offset and s.at < o.to_offset`

const books = (name: string) => `
  select batch_id as book, from_offset, to_offset, consumed, loaded, duplicate, skipped, dead_lettered, dropped, 0 as pruned
  from audit.pipeline_batches where ${isOf(name)}
  union all
  select 'opening ' || topic || ' ' || partition || ' ' || incarnation, from_offset, to_offset, consumed, loaded, duplicate,
         skipped, dead_lettered, dropped, dead_letters_pruned
  from audit.opening_balances where ${isOf(name)}`

/** Each gives one row for each violation. */
const ofTheBooks = (of: Definition) => ({
  'ranges leave a gap or overlap': `
    select * from (
      select *, lag(to_offset) over (partition by topic, partition, incarnation order by from_offset) as previous_end
      from (${PIECES}) pieces
    ) pairs where previous_end <> from_offset`,

  'ranges are not from the first offset to the watermark': `
    select g.topic, g.partition, g.first_offset, g.next_offset, min(p.from_offset) as ranges_from, max(p.to_offset) as ranges_to
    from audit.partition_progress g
    left join (${PIECES}) p on (p.topic, p.partition, p.incarnation) = (g.topic, g.partition, g.incarnation)
    group by g.topic, g.partition
    having coalesce(min(p.from_offset), g.first_offset) <> g.first_offset
        or coalesce(max(p.to_offset), g.first_offset) <> g.next_offset`,

  'a range without a watermark': `
    select distinct p.topic, p.partition from (${PIECES}) p
    where not exists (select from audit.partition_progress g where (g.topic, g.partition) = (p.topic, p.partition))`,

  'a book does not account for its records': `
    select b.*, s.facts, s.letters from (${books(of.name)}) b
    left join (
      select book, sum(fact) as facts, sum(letter) as letters from (${stored(of)}) stored group by book
    ) s using (book)
    where b.loaded <> coalesce(s.facts, 0) + b.dropped or b.dead_lettered <> coalesce(s.letters, 0) + b.pruned
       or b.consumed <> b.loaded + b.duplicate + b.skipped + b.dead_lettered
       or least(b.duplicate, b.skipped, b.dropped, b.pruned) < 0 or b.consumed > b.to_offset - b.from_offset`,

  'a fact or dead letter that is in no book': `
    select * from (${stored(of)}) stored where book is null`,

  'a record that became two things': `
    select topic, partition, incarnation, at, count(*) from (${stored(of)}) stored
    group by topic, partition, incarnation, at having count(*) > 1`,

  // A run that lost batches to an opening balance is more than the sum of the rest.
  'a run is not the sum of its batches': `
    select r.id, r.status, r.batches, r.consumed, r.loaded, r.duplicate, r.skipped, r.dead_lettered
    from audit.pipeline_runs r
    left join audit.pipeline_batches b on b.run_id = r.id
    where r.status in ('succeeded', 'failed')
    group by r.id
    having r.consumed <> r.loaded + r.duplicate + r.skipped + r.dead_lettered
        or r.batches < count(b.batch_id) or r.consumed < coalesce(sum(b.consumed), 0)
        or (r.batches = count(b.batch_id) or not exists (select from audit.opening_balances)) and
           (r.batches, r.consumed, r.loaded, r.duplicate, r.skipped, r.dead_lettered) is distinct from
           (count(b.batch_id), coalesce(sum(b.consumed), 0)::bigint, coalesce(sum(b.loaded), 0)::bigint,
            coalesce(sum(b.duplicate), 0)::bigint, coalesce(sum(b.skipped), 0)::bigint, coalesce(sum(b.dead_lettered), 0)::bigint)`,
})

/** What the declaration says of identities and sums. */
const ofTheStream = (of: Definition) => ({
  ...(of.identity.latest === undefined ? ofFacts(of) : ofVersions(of)),
  ...ofRollups(of),
})

const columnsOf = ({ fields, derived = {} }: Definition) => {
  const all = { ...fields, ...derived }
  return (field: string) => all[field]!.options.column ?? field
}

function ofFacts(of: Definition) {
  const { name, eventTime, identity } = of
  const column = columnsOf(of)
  const time = column(eventTime)
  const ids = [identity.once ?? []].flat().map(column)
  const unique = identity.scope === 'warehouse' ? ids : [time, ...ids]
  const equal = [...ids, time].map((one) => `k.${one} = t.${one}`).join(' and ')
  const keys = identity.scope === 'warehouse' ? identity.keys : undefined
  return {
    'an identity that is there twice': `
      select ${unique.join(', ')}, count(*) from warehouse.${name} group by ${unique.join(', ')} having count(*) > 1`,
    ...(keys !== undefined && {
      'a fact without its key': `
        select ${ids.map((id) => `t.${id}`).join(', ')} from warehouse.${name} t
        where not exists (select from warehouse.${keys} k where ${equal})`,

      'more keys without a fact than facts were dropped': `
        select orphans.n as keys, dropped.n as dropped from (
          select count(*) as n from warehouse.${keys} k
          where not exists (select from warehouse.${name} t where ${equal})
        ) orphans, (select coalesce(sum(dropped), 0) as n from (${books(name)}) b) dropped
        where orphans.n > dropped.n`,

      'a key without a fact in a month that nobody drops yet': `
        select k.* from warehouse.${keys} k
        where k.${time} > now() - interval '31 days'
          and not exists (select from warehouse.${name} t where ${equal})`,
    }),
  }
}

/** A current row is the newest version of its key, with where that came from. */
function ofVersions(of: Definition) {
  const { name, fields, derived = {}, identity } = of
  const column = columnsOf(of)
  const key = [identity.latest ?? []].flat().map(column)
  const version = identity.by === 'log' ? ['log_incarnation', 'log_offset'] : [column(identity.by!)]
  const all = [
    ...[...Object.keys(fields), ...Object.keys(derived)].map(column),
    'deleted_at',
    'source_partition',
    'incarnation',
    'source_offset',
  ]
  const allOf = (table: string) => all.map((one) => `${table}.${one}`).join(', ')
  return {
    'a version that is there twice': `
      select ${[...key, ...version].join(', ')}, count(*) from warehouse.${name}_history
      group by ${[...key, ...version].join(', ')} having count(*) > 1`,

    'a current row is not the newest version': `
      select ${key.join(', ')}, h.source_partition || ':' || h.source_offset as newest,
             c.source_partition || ':' || c.source_offset as current
      from (
        select distinct on (${key.join(', ')}) * from warehouse.${name}_history
        order by ${key.join(', ')}, ${version.map((one) => `${one} desc`).join(', ')}
      ) h full join warehouse.${name} c using (${key.join(', ')})
      where (${allOf('h')}) is distinct from (${allOf('c')})`,
  }
}

/** Each cell is the sum of its facts; of versions that of the current rows, over all partitions. */
function ofRollups(of: Definition) {
  const { name, eventTime, identity, rollups = {} } = of
  const column = columnsOf(of)
  return Object.fromEntries(
    Object.entries(rollups).map(([rollup, { every, by, measures }]) => {
      const isLatest = identity.latest !== undefined
      const cell = [every, ...(isLatest ? [] : ['source_partition']), ...by.map(column)].join(', ')
      const names = Object.keys(measures)
      const sums = Object.entries(measures).map(([measure, one]) => {
        const rows = one.where === undefined ? '' : ` filter (where ${column(one.where)})`
        return one.measure === 'count'
          ? `count(*)${rows} as ${measure}`
          : `coalesce(sum(${column(one.field)})${rows}, 0) as ${measure}`
      })
      const cells = names.map((one) => `sum(${one}) as ${one}`).join(', ')
      const not0 = names.map((one) => `sum(${one}) <> 0`).join(' or ')
      const sumsOf = (table: string) => names.map((one) => `${table}.${one}`).join(', ')
      return [
        `${rollup} and ${isLatest ? 'current rows' : 'facts'} differ`,
        `select * from (
           select ${cell}, ${sums.join(', ')} from (
             select *, date_trunc('${every}', ${column(eventTime)}, 'UTC') as ${every} from warehouse.${name}
             ${isLatest ? 'where deleted_at is null' : ''}
           ) t group by ${cell}
         ) facts
         full join (
           select ${cell}, ${cells} from warehouse.${rollup} group by ${cell} ${isLatest ? `having ${not0}` : ''}
         ) s using (${cell})
         where (${sumsOf('facts')}) is distinct from (${sumsOf('s')})`,
      ]
    }),
  )
}
