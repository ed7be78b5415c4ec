import type { ClientBase } from 'pg'
import { hundredths, int8s, texts, timestamps } from '../postgres/binary-arrays.ts'
import { AMOUNT_SCALE, tenThousandths, type Amount } from './amount.ts'
import { columnsOf, names, values } from './columns.ts'
import type { AnyMeasure, Definition } from './definition.ts'
import type { Row } from './field.ts'
import { toDecimal } from './money.ts'
import type { Fact } from './types.ts'

/** The statements about a rollup of a stream. */
export interface RollupStatements {
  /**
   * Adds facts, in the transaction that inserts them, so that the two never differ.
   *
   * Each cell is added once (a statement may not touch a row twice) and in the key's order; the partition
   * is part of the key, and its progress row is locked, so nobody else writes these cells meanwhile.
   *
   * @param without what counted until now and no longer does. Whoever loaded it, it is taken away in the cells of
   *   this partition, for the same reason: so one cell may be below zero, and only sums over partitions say something.
   */
  add(
    client: ClientBase,
    facts: readonly Fact[],
    sourcePartition: number,
    without?: readonly Fact[],
  ): Promise<void>
  /**
   * Puts what was computed anew of facts in the place of what the rollup holds of them, in the transaction
   * that updates them. What messages say stays.
   *
   * The partition is part of the key, and the caller has locked its progress row: nobody else writes these
   * cells meanwhile, so the order in which the statement comes to them does not matter.
   *
   * @param before the same facts as `after`, with what the rollup holds of them.
   * @throws Error where a cell is not there: rollup and facts differed before.
   */
  replace(
    client: ClientBase,
    before: readonly Fact[],
    after: readonly Fact[],
    sourcePartition: number,
  ): Promise<void>
}

/** Microseconds. */
const LENGTH = { minute: 60_000_000, hour: 3_600_000_000, day: 86_400_000_000 }

interface Cell {
  readonly key: string
  readonly beginsAt: number
  /** A row of the cell, for the fields that it is by. */
  readonly row: Row
  /** By measure. A batch may hold more money than a number holds to the cent: 9,008 of the largest amounts do. */
  readonly sums: (number | bigint)[]
}

/** A measure's column, and what a fact adds to it. */
export interface MeasureColumn {
  readonly name: string
  readonly isDerived: boolean
  /** Of money: how many decimals a whole sum stands for. */
  readonly decimals: number | undefined
  readonly array: string
  readonly cast: string
  readonly encode: (sums: readonly (number | bigint)[]) => Buffer
  readonly of: (row: Row) => number | bigint
}

export function compileRollup(stream: Definition, name: string): RollupStatements {
  const { every, by, measures } = stream.rollups![name]!
  const ofCell = columnsOf(stream, Object.fromEntries(by.map((field) => [field, stream.fields[field]!])))
  const all = measureColumns(stream, measures)
  const changing = all.filter(({ isDerived }) => isDerived)
  const key = `${every}, source_partition${ofCell.length === 0 ? '' : ', '}${names(ofCell)}`

  const keyArrays = (first: number) =>
    [`$${first}::timestamptz[]`, ...ofCell.map(({ array }, i) => `$${first + 1 + i}::${array}`)].join(', ')
  const keyValues = (cells: readonly Cell[]) => [
    timestamps(cells.map(({ beginsAt }) => beginsAt)),
    ...ofCell.map((column) => column.encode(cells)),
  ]

  const add = {
    name: `${stream.name}: add to ${name}`,
    text: `insert into warehouse.${name} as s (${key}, ${all.map((one) => one.name).join(', ')})
           select ${every}, $1, ${[...ofCell.map((column) => values([column], 'c')), ...all.map((one) => `c.${one.name}${one.cast}`)].join(', ')}
           from unnest(${keyArrays(2)}, ${ofMeasures(all, 3 + ofCell.length)})
             as c (${[every, ...ofCell.map((one) => one.name), ...all.map((one) => one.name)].join(', ')})
           on conflict (${key}) do update set
             ${all.map((one) => `${one.name} = s.${one.name} + excluded.${one.name}`).join(', ')}`,
  }
  const replace = {
    name: `${stream.name}: replace in ${name}`,
    text: `update warehouse.${name} s set
             ${changing.map(({ name: one, cast }) => `${one} = s.${one} - c.old_${one}${cast} + c.${one}${cast}`).join(', ')}
           from unnest(${[keyArrays(2), ofMeasures(changing, 3 + ofCell.length), ofMeasures(changing, 3 + ofCell.length + changing.length)].join(', ')})
             as c (${[every, ...ofCell.map((one) => one.name), ...changing.map((one) => `old_${one.name}`), ...changing.map((one) => one.name)].join(', ')})
           where s.${every} = c.${every} and s.source_partition = $1${ofCell.map((one) => ` and s.${one.name} = c.${one.name}`).join('')}`,
  }

  const sumUp = (cells: Map<string, Cell>, row: Row, sign: 1 | -1): void => {
    const beginsAt = Math.floor((row[stream.eventTime] as number) / LENGTH[every]) * LENGTH[every]
    let cellKey = String(beginsAt)
    for (const field of by) cellKey += `\0${row[field] as string}`
    let cell = cells.get(cellKey)
    if (cell === undefined) {
      cell = { key: cellKey, beginsAt, row, sums: all.map(() => 0) }
      cells.set(cellKey, cell)
    }
    const { sums } = cell
    for (let i = 0; i < all.length; i++) {
      const value = all[i]!.of(row)
      sums[i] = plus(sums[i]!, sign === 1 ? value : -value)
    }
  }
  const aggregate = (facts: readonly Fact[], without: readonly Fact[] = []): Cell[] => {
    const cells = new Map<string, Cell>()
    for (const { row } of facts) sumUp(cells, row, 1)
    for (const { row } of without) sumUp(cells, row, -1)
    return [...cells.values()].sort((a, b) => a.beginsAt - b.beginsAt || (a.key < b.key ? -1 : 1))
  }

  return {
    add: async (client, facts, sourcePartition, without = []) => {
      const summed = aggregate(facts, without)
      const cells =
        without.length === 0 ? summed : summed.filter(({ sums }) => sums.some((sum) => Number(sum) !== 0))
      if (cells.length === 0) return
      const sums = all.map(({ encode }, i) => encode(columnOf(cells, i)))
      await client.query({ ...add, values: [sourcePartition, ...keyValues(cells), ...sums] })
    },
    replace: async (client, before, after, sourcePartition) => {
      if (changing.length === 0) return
      const cells = aggregate(after)
      const old = aggregate(before)
      const sumsOf = (of: readonly Cell[]) =>
        changing.map((measure) => measure.encode(columnOf(of, all.indexOf(measure))))
      const { rowCount } = await client.query({
        ...replace,
        values: [sourcePartition, ...keyValues(cells), ...sumsOf(old), ...sumsOf(cells)],
      })
      if (rowCount !== cells.length)
        throw new Error(`${name} has ${rowCount} of the ${cells.length} rows of these facts`)
    },
  }
}

const columnOf = (cells: readonly Cell[], at: number) => cells.map(({ sums }) => sums[at]!)

const ofMeasures = (columns: readonly MeasureColumn[], first: number) =>
  columns.map(({ array }, i) => `$${first + i}::${array}`).join(', ')

/** Exact, in plain numbers as long as they are. */
function plus(sum: number | bigint, value: number | bigint): number | bigint {
  if (typeof sum === 'bigint' || typeof value === 'bigint') return BigInt(sum) + BigInt(value)
  const next = sum + value
  return Number.isSafeInteger(next) ? next : BigInt(sum) + BigInt(value)
}

export function measureColumns(
  { fields, derived = {} }: Pick<Definition, 'fields' | 'derived'>,
  measures: Readonly<Record<string, AnyMeasure>>,
): readonly MeasureColumn[] {
  return Object.entries(measures).map(([name, measure]) => {
    const { where } = measure
    const field = measure.measure === 'sum' ? measure.field : undefined
    const kind = field === undefined ? 'count' : (derived[field] ?? fields[field])!.kind.name
    const value =
      field === undefined
        ? () => 1
        : kind === 'moneyOf'
          ? (row: Row) => (row[field] === null ? 0 : tenThousandths(row[field] as Amount))
          : (row: Row) => (row[field] as number | null) ?? 0
    return {
      name,
      decimals: kind === 'money' ? 2 : kind === 'moneyOf' ? AMOUNT_SCALE : undefined,
      isDerived: [field, where].some((one) => one !== undefined && one in derived),
      ...(kind === 'count' ? COUNTS : kind === 'money' ? MONEY : kind === 'moneyOf' ? AMOUNTS : INTEGERS),
      of: where === undefined ? value : (row) => (row[where] === true ? value(row) : 0),
    }
  })
}

const COUNTS = {
  array: 'int8[]',
  cast: '',
  encode: (sums: readonly (number | bigint)[]) => int8s(sums.map(Number)),
}
const MONEY = { array: 'numeric[]', cast: '', encode: hundredths }
/** As text: a sum of them may be beyond what the binary form of amounts holds, and cells are few. */
const AMOUNTS = {
  array: 'text[]',
  cast: '::numeric',
  encode: (sums: readonly (number | bigint)[]) => texts(sums.map((sum) => toDecimal(sum, AMOUNT_SCALE))),
}
const INTEGERS = {
  array: 'text[]',
  cast: '::numeric',
  encode: (sums: readonly (number | bigint)[]) => texts(sums.map(String)),
}
