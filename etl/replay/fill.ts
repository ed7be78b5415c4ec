import type { ClientBase, Pool } from 'pg'
import type { Progress } from '../ledger/watermark.ts'
import { ActionRefused } from '../operations/actions.ts'
import { readPatiently } from '../postgres/patient.ts'
import { columnsOf, differing } from '../stream/columns.ts'
import type { Stream } from '../stream/compile.ts'
import { columnName } from '../stream/field.ts'
import { compileFill } from '../stream/fill.ts'
import { fillableFields, whyNotFilled } from '../stream/fillable.ts'
import type { Definition } from '../stream/definition.ts'
import { countedTable, isDeletion, storedColumns } from '../stream/stored.ts'
import type { Fact } from '../stream/types.ts'
import type { Compared, Comparison } from './compare.ts'

/**
 * What a replay does that fills one field: rows that were loaded before it was declared have null there, and the log
 * has its value. Null becomes that value, and nothing else changes: not what is derived, and no other value.
 */
export interface Fill {
  readonly field: string
  /**
   * Holds facts against what is stored of them. Those whose other values differ are left alone; another field that is
   * not filled yet is no difference.
   */
  compare(client: ClientBase, facts: readonly Fact[], source: Progress): Promise<Compared>
  /**
   * Stores those that `compare` found empty. The caller has held the lock of the partition's progress row since before
   * that: loads, other replays and who forgets records take it first too, so no row is other than it was found.
   */
  store(client: ClientBase, changed: readonly Comparison[], source: Progress): Promise<void>
}

/** @throws ActionRefused that says which fields can be filled, where this one can't. */
export function requireFillable(definition: Definition, field: string): void {
  const why = whyNotFilled(definition, field)
  if (why === undefined) return
  const others = fillableFields(definition)
  const can =
    others.length === 0
      ? `${definition.name} has no field that can be: those are optional ones.`
      : `What can be filled: ${others.join(', ')}.`
  throw new ActionRefused(`${field} can't be filled, it ${why}. ${can}`)
}

/** @throws ActionRefused. */
export function fillOf(stream: Stream, field: string): Fill {
  const { definition, name, current, rollups, lines } = stream
  requireFillable(definition, field)
  const statements = compileFill(definition, field)
  const all = columnsOf(definition)
  const ofDeletion = storedColumns(definition).key
  const derived = stream.derived.map((column) => column.field)
  const ofLines = lines.find((one) => one.field === field)
  const isMeasured = measured(definition).includes(field)

  /** Lines hang on facts, in partitions that may be missing where the facts are older than the field. */
  const storeLines = async (client: ClientBase, facts: readonly Fact[]) => {
    if (ofLines === undefined) return
    const days = new Set(facts.map(({ row }) => Math.floor((row[stream.eventTime] as number) / DAY_MICROS)))
    await client.query(
      'select audit.ensure_partition($1, to_timestamp(day * 86400)) from unnest($2::float8[]) as day',
      [name, [...days]],
    )
    await ofLines.insert(client, facts)
  }

  return {
    field,
    compare: async (client, facts, source) => {
      const stored = await statements.find(client, facts, source)
      const same: Comparison[] = []
      const changed: Comparison[] = []
      let otherValues = 0
      let forgotten = 0
      for (const read of facts) {
        const found = stored.get(read.offset)
        if (found === undefined) continue
        if (found.isForgotten) {
          forgotten += 1
          continue
        }
        const empty = stream.unfilled(found.row, read.row)
        const differ = differing(isDeletion(found.row) ? ofDeletion : all, found.row, read.row)
        if (
          isDeletion(found.row) !== isDeletion(read.row) ||
          differ.some((column) => !empty.includes(column.field))
        ) {
          otherValues += 1
          continue
        }
        // What is derived stays as it is, and so does what else is not filled yet.
        const kept = Object.fromEntries([...derived, ...empty].map((one) => [one, found.row[one] ?? null]))
        const before = { ...read, row: { ...read.row, ...kept } }
        const after = { ...read, row: { ...before.row, [field]: read.row[field] } }
        ;(empty.includes(field) ? changed : same).push({ stored: before, fact: after })
      }
      return { same, changed, otherValues, forgotten }
    },
    store: async (client, changed, source) => {
      const after = changed.map(({ fact }) => fact)
      await statements.update(client, after, source)
      await storeLines(client, after)
      let counted = changed
      if (current !== undefined) {
        const rows = await current.lockCurrent(client, after, source)
        if (rows.length === 0) return
        await statements.updateCurrent(client, rows)
        counted = changed.filter(({ fact }) => rows.includes(fact) && !isDeletion(fact.row))
      }
      if (!isMeasured) return
      const [now, before] = [counted.map(({ fact }) => fact), counted.map((one) => one.stored)]
      for (const rollup of rollups) await rollup.add(client, now, source.sourcePartition, before)
    },
  }
}

const DAY_MICROS = 86_400_000_000

/** The fields that rollups sum or count by. */
function measured({ rollups = {} }: Definition): string[] {
  return Object.values(rollups).flatMap(({ measures }) =>
    Object.values(measures).flatMap((one) => [
      ...(one.where === undefined ? [] : [one.where]),
      ...(one.measure === 'sum' ? [one.field] : []),
    ]),
  )
}

/**
 * How many rows have nothing in a field and can't be asked what their record says: the log no longer holds it. Some of
 * those records may have had nothing either.
 *
 * @param starts where the log begins now, by partition.
 */
export async function countOutOfReach(
  pool: Pool,
  definition: Definition,
  topic: string,
  field: string,
  starts: ReadonlyMap<number, number>,
): Promise<number> {
  const column = columnName(definition.fields, field)
  const [found] = await readPatiently<{ n: number }>(
    pool,
    `select count(*) as n
     from warehouse.${countedTable(definition)} t
     join audit.partition_progress p on p.stream = $1 and p.source_partition = t.source_partition
     left join unnest($3::int4[], $4::int8[]) as log (partition, start) on p.topic = $2 and log.partition = p.partition
     where t.${column} is null and (log.start is null or t.incarnation <> p.incarnation or t.source_offset < log.start)`,
    [definition.name, topic, [...starts.keys()], [...starts.values()]],
  )
  return found!.n
}
