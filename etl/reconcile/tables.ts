import { keyNames } from '../stream/columns.ts'
import type { Stream } from '../stream/compile.ts'
import type { Definition, Invariant } from '../stream/definition.ts'
import { columnName } from '../stream/field.ts'
import { isForgotten } from '../stream/forgotten.ts'
import { DELETED_AT, namesBatch, namingColumns } from '../stream/stored.ts'
import type { Lines } from '../stream/rows.ts'
import { count } from '../text/wording.ts'
import { loadedRows } from './batches.ts'
import { findMismatches } from './findings.ts'
import type { CheckResult } from './report.ts'
import { ofStream, type Snapshot } from './snapshot.ts'

interface UsedTwice {
  readonly batch_id: string
  readonly offset: number
  readonly facts: number
  readonly letters: number
}

/**
 * A record becomes one fact or one dead letter: no offset has two rows, which equal counts could hide. The
 * batch's id tells topic, partition and incarnation.
 */
export async function checkOffsets(snapshot: Snapshot, stream: Stream): Promise<CheckResult> {
  const findings = await findMismatches<UsedTwice>(
    snapshot,
    `select 'twice' as kind, (batch_id, "offset") as sort, batch_id, "offset", sum(fact) as facts, sum(letter) as letters
     from (
       select batch_id, source_offset as "offset", 1 as fact, 0 as letter from ${loadedRows(stream)} loaded
       union all
       select batch_id, "offset", 0, 1 from audit.dead_letters where ${ofStream(stream.name)}
     ) stored
     group by batch_id, "offset" having count(*) > 1`,
    ({ batch_id, offset }) => `offset ${offset} of batch ${batch_id}`,
    ({ facts, letters }) => `it has ${count(facts, 'fact')} and ${count(letters, 'dead letter')}`,
  )
  return { rule: 'no offset has more than one fact or dead letter', scope: 'all of them', findings }
}

type Cell = Readonly<Record<string, unknown>>

/**
 * A rollup is the sum of the facts, cell by cell and in both directions. Sums are compared and shown as text, so
 * exactly. The pipeline cuts time in UTC from the microseconds; so does date_bin, for dates before its origin too.
 *
 * Of versions it is the sum of the current rows. What replaces a row of another partition takes it away in cells of its
 * own, so cells of all partitions are summed before they are compared, and nothing is what is not there.
 */
export async function checkRollup(
  snapshot: Snapshot,
  { definition, name: facts, current }: Stream,
  name: string,
): Promise<CheckResult> {
  const { every, by, measures } = definition.rollups![name]!
  const column = (field: string) => columnOf(definition, field)
  const partition = current === undefined ? ['source_partition'] : []
  const inKey = [every, ...partition, ...by.map(column)]
  const sums = Object.entries(measures).map(([as, measure]) => {
    const filter = measure.where === undefined ? '' : ` filter (where ${column(measure.where)})`
    if (measure.measure === 'count') return `count(*)${filter} as ${as}`
    return `coalesce(sum(${column(measure.field)})${filter}, 0) as ${as}`
  })
  const all = Object.keys(measures)
  const live = current === undefined ? '' : `where ${DELETED_AT} is null`
  const cells =
    current === undefined
      ? `warehouse.${name}`
      : `(select ${inKey.join(', ')}, ${all.map((one) => `sum(${one}) as ${one}`).join(', ')}
          from warehouse.${name} group by ${inKey.join(', ')}
          having ${all.map((one) => `sum(${one}) <> 0`).join(' or ')})`
  const findings = await findMismatches<Cell>(
    snapshot,
    `select case when f."hasFacts" is null then 'without facts' when s.${every} is null then 'missing' else 'differs' end as kind,
            (${inKey.join(', ')}) as sort, ${inKey.map((one) => `${one} as "key ${one}"`).join(', ')}, f."hasFacts",
            ${all.map((one) => `f.${one}::text as "fact ${one}", s.${one}::text as "rollup ${one}"`).join(', ')}
     from (
       select ${[`date_bin('1 ${every}', ${column(definition.eventTime)}, 'epoch') as ${every}`, ...partition, ...by.map(column), 'count(*) as "hasFacts"', ...sums].join(', ')}
       from warehouse.${facts} ${live} group by ${inKey.map((_, i) => i + 1).join(', ')}
     ) f
     full join ${cells} s using (${inKey.join(', ')})
     where ${all.map((one) => `f.${one} is distinct from s.${one}`).join(' or ')}`,
    (cell) =>
      [
        `${every} ${(cell[`key ${every}`] as Date).toISOString()}`,
        ...partition.map((one) => `partition ${String(cell[`key ${one}`])}`),
        ...by.map((field) => String(cell[`key ${column(field)}`])),
      ].join(', '),
    (cell) => cellSentence(cell, all, definition.title),
  )
  const { rows } = await snapshot.query<{ cells: number }>(`select count(*) as cells from warehouse.${name}`)
  return {
    rule: `the ${name.replaceAll('_', ' ')} are the sums of the facts`,
    scope: count(rows[0]!.cells, 'row'),
    findings,
  }
}

function cellSentence(cell: Cell & { kind: string }, measures: readonly string[], title: string): string {
  const text = (of: string) => String(cell[of])
  if (cell.kind === 'missing') return `${text('hasFacts')} facts, but no row in the rollup`
  if (cell.kind === 'without facts')
    return `the rollup has ${text(`rollup ${measures[0]!}`)} ${title}s, but there is no fact`
  return measures
    .filter((one) => Number(cell[`fact ${one}`]) !== Number(cell[`rollup ${one}`]))
    .map((one) => `${one} is ${text(`fact ${one}`)} by the facts, ${text(`rollup ${one}`)} in the rollup`)
    .join('; ')
}

const columnOf = ({ fields, derived = {} }: Definition, field: string): string =>
  columnName({ ...derived, ...fields }, field)

interface KeyMismatch {
  readonly name: string
  readonly batch_id: string | null
  readonly source_offset: number | null
  readonly key_at: Date | null
  readonly fact_at: Date | null
}

/**
 * An identity is once in the warehouse: each fact has its key with its time, and each key its fact unless
 * that was dropped for its age. One that is there twice is seen too, since its two facts differ in the
 * time and its key has one.
 *
 * A key outlives its fact where the fact was dropped for its age, with its whole month, which had ended 31
 * days before at least. As many as were dropped may be without a fact, and no more: else all are told.
 */
export async function checkKeys(
  snapshot: Snapshot,
  { definition, name: facts, identity }: Stream,
  table: string,
): Promise<CheckResult> {
  const time = columnOf(definition, definition.eventTime)
  const key = identity.fields.map((field) => columnOf(definition, field))
  const title = definition.identity.title ?? definition.title
  const { partitionBy: unit = 'month', keep: kept = '31 days' } = definition
  const findings = await findMismatches<KeyMismatch>(
    snapshot,
    `with pairs as (
       select ${key.join(', ')}, ${namesBatch(definition) ? 't.batch_id' : `concat('of partition ', t.source_partition) as batch_id`}, t.source_offset, k.${time} is null as no_key, t.${time} is null as no_fact,
              k.${time} as key_at, t.${time} as fact_at,
              t.${time} is null and date_trunc('${unit}', k.${time}, 'UTC') + interval '1 ${unit}'
                <= now() - interval '${kept}' as may_be_dropped
       from warehouse.${facts} t full join warehouse.${table} k using (${key.join(', ')})
       where k.${time} is distinct from t.${time}
     ), dropped as (
       select (select coalesce(sum(dropped), 0) from audit.pipeline_batches where ${ofStream(facts)})
            + (select coalesce(sum(dropped), 0) from audit.opening_balances where ${ofStream(facts)}) as facts
     )
     select case when no_key then 'fact without key' when no_fact then 'key without fact' else 'another timestamp' end as kind,
            (${key.join(', ')}) as sort, concat_ws(', ', ${key.join(', ')}) as name, batch_id, source_offset, key_at, fact_at
     from pairs, dropped
     where not may_be_dropped or (select count(*) from pairs where may_be_dropped) > dropped.facts`,
    ({ name }) => `${title} ${name}`,
    keySentence,
  )
  const { rows } = await snapshot.query<{ keys: number }>(`select count(*) as keys from warehouse.${table}`)
  return {
    rule: `each fact has its ${title} key, and each key its fact, unless that was dropped for its age`,
    scope: count(rows[0]!.keys, 'key'),
    findings,
  }
}

function keySentence({
  kind,
  batch_id,
  source_offset,
  key_at,
  fact_at,
}: KeyMismatch & { kind: string }): string {
  if (kind === 'key without fact') return `its key of ${key_at?.toISOString()} has no fact`
  const fact = `its fact at offset ${source_offset} of batch ${batch_id}`
  if (kind === 'fact without key') return `${fact} has no key`
  return `${fact} is of ${fact_at?.toISOString()}, its key of ${key_at?.toISOString()}`
}

/** What a stream says of each of its facts. */
export async function checkInvariant(
  snapshot: Snapshot,
  { definition, counted: facts, current }: Stream,
  { rule, holds, shows }: Invariant,
): Promise<CheckResult> {
  const key = namingColumns(definition).join(', ')
  const findings = await findMismatches<{ name: string; shown: Readonly<Record<string, unknown>> }>(
    snapshot,
    `select 'broken' as kind, (${key}) as sort, concat_ws(', ', ${key}) as name,
            json_build_object(${shows.map((field) => `'${field}', ${columnOf(definition, field)}::text`).join(', ')}) as shown
     from warehouse.${facts} t where (${holds}) is not true and not ${isForgotten(definition, 't')}${current === undefined ? '' : ` and ${DELETED_AT} is null`}`,
    ({ name }) => `${definition.identity.title ?? definition.title} ${name}`,
    ({ shown }) =>
      `it has ${Object.entries(shown)
        .map(([field, value]) => `${field} ${String(value)}`)
        .join(', ')}`,
  )
  return { rule, scope: 'all facts', findings }
}

/** What a stream writes beside facts and rollups, by its own statement. */
export async function checkWrite(
  snapshot: Snapshot,
  { check, tables }: NonNullable<Definition['write']>,
): Promise<CheckResult> {
  const findings = await findMismatches<{ subject: string; message: string }>(
    snapshot,
    `select 'wrong' as kind, subject as sort, subject, message from (${check}) found`,
    ({ subject }) => subject,
    ({ message }) => message,
  )
  const names = Object.keys(tables).join(', ')
  return { rule: `${names} agree with the facts, as the stream's own statement says`, scope: names, findings }
}

/**
 * Each fact, or version in the history, has as many lines as it says, numbered from 1 on, and no line is without it. What they say is for
 * `--deep`.
 */
export async function checkLines(
  snapshot: Snapshot,
  { definition, counted: facts, identity }: Stream,
  { field, table, count: counted }: Lines,
): Promise<CheckResult> {
  const key = keyNames(definition)
  const named = identity.fields.map((one) => columnOf(definition, one))
  const findings = await findMismatches<{ name: string; says: number | null; n: number; last: number }>(
    snapshot,
    `select case when says is null then 'line without fact' when n <> says then 'number' else 'numbering' end as kind,
            (${key.join(', ')}) as sort, concat_ws(', ', ${named.join(', ')}) as name, says, n, last
     from (
       select ${key.join(', ')}, case when t.source_offset is not null then coalesce(t.${counted}, 0) end as says,
              coalesce(l.n, 0) as n, coalesce(l.last, 0) as last, coalesce(l.first, 1) as first
       from warehouse.${facts} t
       full join (
         select ${key.join(', ')}, count(*) as n, min(line_no) as first, max(line_no) as last
         from warehouse.${table} group by ${key.map((_, i) => i + 1).join(', ')}
       ) l using (${key.join(', ')})
     ) both_sides
     where says is distinct from n or first <> 1 or last <> n`,
    ({ name }) => `${definition.identity.title ?? definition.title} ${name}`,
    ({ says, n, last }) =>
      says === null
        ? `it has ${count(n, 'line')}, but there is no fact`
        : n === says
          ? `its ${count(n, 'line')} are numbered up to ${last}`
          : `it has ${count(n, 'line')}, by the fact ${says}`,
  )
  const { rows } = await snapshot.query<{ lines: number }>(`select count(*) as lines from warehouse.${table}`)
  return {
    rule: `each fact has as many ${field.replaceAll('_', ' ')} as it says, and each of them its fact`,
    scope: count(rows[0]!.lines, 'line'),
    findings,
  }
}
