import type { ClientBase } from 'pg'
import { int8s } from '../postgres/binary-arrays.ts'
import { arrays, encoded, names, pick, readAs, sameKey, values } from './columns.ts'
import { identityFields } from './define.ts'
import type { AnyLatest, Definition } from './definition.ts'
import type { Row } from './field.ts'
import type { Origin } from './facts.ts'
import {
  compareVersions,
  DELETED_AT,
  floorColumn,
  isDeletion,
  storedColumns,
  versionFields,
} from './stored.ts'
import type { Fact } from './types.ts'

/** What a load did to the current rows. */
export interface Replaced {
  /** Rows that count from now on: versions that are current and no deletions. */
  readonly now: readonly Fact[]
  /** Rows that counted until now and were replaced. */
  readonly before: readonly Fact[]
  /** Of the versions, those that were older than the current one when their turn came. */
  readonly older: number
}

/** The statements about the table of current rows, one for each key. */
export interface CurrentStatements {
  /**
   * Puts the newest of these versions in the place of older ones, after their history is written, in that transaction.
   *
   * Why it is right with any number of workers: a key has one row, and none is ever removed. What was current is read
   * in a statement of its own under the row's lock (FOR UPDATE), so a rival's commit that we waited for is seen, and
   * nobody changes the row before this transaction ends; what is taken away from the rollups is that very row.
   * A new key is inserted first, which waits for a rival's insert of it; what was not inserted is there, and is locked.
   * Rows are inserted in the order of keys, and then locked in that order: whoever holds a lock never waits for an
   * insert, so nobody waits in a circle.
   *
   * @param versions that were claimed, each once.
   */
  replace(client: ClientBase, versions: readonly Fact[], origin: Origin): Promise<Replaced>
  /**
   * Of versions those that were pruned from the history, or are older than one that was: they were loaded, or would be
   * gone by now. By their identities. Read without a lock: what is pruned at this very moment is found by `replace`, which throws, so that
   * the load is tried again.
   */
  pruned(client: ClientBase, versions: readonly Fact[]): Promise<ReadonlySet<string>>
  /**
   * Of versions that the log orders: those whose key is current from another partition of the same incarnation, by their
   * identities. What is newer can't be said of two partitions. Read without a lock: a key that moves at this very moment
   * is found by `replace`, which throws, so that the load is tried again.
   */
  moved(client: ClientBase, versions: readonly Fact[], origin: Origin): Promise<ReadonlyMap<string, number>>
  /**
   * Of these versions, which came from the partition, those that are current: their rows are locked, in the order of
   * keys, and have the same place in the lock order as in a load.
   */
  lockCurrent(client: ClientBase, versions: readonly Fact[], source: Source): Promise<readonly Fact[]>
  /** Stores what was derived anew of rows that `lockCurrent` has locked. */
  updateDerivations(client: ClientBase, versions: readonly Fact[]): Promise<void>
}

const NONE_PRUNED: ReadonlySet<string> = new Set()
const NONE_MOVED: ReadonlyMap<string, number> = new Map()

type Source = Pick<Origin, 'sourcePartition' | 'incarnation'>

/** A current row, locked. */
interface Locked extends Row {
  readonly sourcePartition: number
}

export function compileCurrent(stream: Definition & { readonly identity: AnyLatest }): CurrentStatements {
  const { name, rollups = {} } = stream
  const version = versionFields(stream)
  const { stored, derived } = storedColumns(stream)
  const all = [...stored, ...derived]
  const key = pick(all, identityFields(stream.identity))
  const others = all.filter((column) => !key.includes(column))
  const ofVersion = pick(all, version)
  const keyOf = (row: Row): string => key.map(({ field }) => String(row[field])).join('\0')
  const byKey = (facts: readonly Fact[]) =>
    facts.map((fact) => [keyOf(fact.row), fact] as const).sort(([a], [b]) => (a < b ? -1 : 1))
  // What the rollups sum of a row that is replaced.
  const summed = all.filter(({ kind }) => kind.lines === undefined)
  const read = Object.keys(rollups).length === 0 ? [...key, ...ofVersion, ...pick(all, [DELETED_AT])] : summed

  const own = 'source_partition, incarnation, source_offset'
  const insert = {
    name: `${name}: insert current`,
    text: `insert into warehouse.${name} (${own}, ${names(all)})
           select $1, $2, f.source_offset, ${values(all, 'f')}
           from unnest($3::int8[], ${arrays(all, 4)}) as f (source_offset, ${names(all)})
           on conflict do nothing
           returning ${readAs(key, name)}`,
  }
  const floors = ofVersion.map(({ field, kind, name: column }) => ({
    floor: `floor ${field}`,
    read: `${kind.read(`t.${floorColumn(column)}`)} as "floor ${field}"`,
  }))
  const readFloors = floors.map((one) => one.read).join(', ')
  /** Whether it is at or below the newest version of its key that was pruned. */
  const isPruned = (row: Row, there: Row | undefined): boolean => {
    if (there === undefined || there[floors[0]!.floor] === null) return false
    const floor = Object.fromEntries(version.map((field) => [field, there[`floor ${field}`]]))
    return compareVersions(version, row, floor) <= 0
  }
  const pruned = {
    name: `${name}: pruned`,
    text: `select ${readAs(key, 't')}, ${readFloors}
           from warehouse.${name} t join unnest(${arrays(key, 1)}) as f (${names(key)}) on ${sameKey(key, 't', 'f')}
           where t.${floorColumn(ofVersion[0]!.name)} is not null`,
  }
  const lock = {
    name: `${name}: lock current`,
    text: `select t.source_partition as "sourcePartition", ${readAs(read, 't')}, ${readFloors}
           from warehouse.${name} t join unnest(${arrays(key, 1)}) as f (${names(key)}) on ${sameKey(key, 't', 'f')}
           order by ${names(key, 't')} for update of t`,
  }
  // The condition holds of each: who sends it has read the row under its lock. It is the last guard of a newer row.
  const replace = {
    name: `${name}: replace current`,
    text: `update warehouse.${name} t
           set source_partition = $1, incarnation = $2, source_offset = f.source_offset,
               ${others.map((column) => `${column.name} = ${values([column], 'f')}`).join(', ')}
           from unnest($3::int8[], ${arrays(all, 4)}) as f (source_offset, ${names(all)})
           where ${sameKey(key, 't', 'f')} and row(${names(ofVersion, 't')}) < row(${names(ofVersion, 'f')})`,
  }
  const inLog = stream.identity.by === 'log'
  const moved = {
    name: `${name}: moved`,
    text: `select t.source_partition as "sourcePartition", ${readAs([...key, ...ofVersion], 't')}
           from warehouse.${name} t join unnest(${arrays(key, 2)}) as f (${names(key)}) on ${sameKey(key, 't', 'f')}
           where t.source_partition <> $1`,
  }
  const lockSame = {
    name: `${name}: lock the same`,
    text: `select f.source_offset as "offset"
           from warehouse.${name} t
           join unnest($3::int8[], ${arrays([...key, ...ofVersion], 4)}) as f (source_offset, ${names([...key, ...ofVersion])})
             on ${sameKey(key, 't', 'f')}
           where ${sameKey(ofVersion, 't', 'f')} and t.source_partition = $1 and t.incarnation = $2
             and t.source_offset = f.source_offset
           order by ${names(key, 't')} for update of t`,
  }
  const derive = {
    name: `${name}: update current`,
    text: `update warehouse.${name} t set ${derived.map((column) => `${column.name} = ${values([column], 'f')}`).join(', ')}
           from unnest(${arrays([...key, ...derived], 1)}) as f (${names([...key, ...derived])})
           where ${sameKey(key, 't', 'f')}`,
  }

  const sent = (facts: readonly Fact[], { sourcePartition, incarnation }: Source) => [
    sourcePartition,
    incarnation,
    int8s(facts.map(({ offset }) => offset)),
    ...encoded(all, facts),
  ]

  return {
    replace: async (client, versions, origin) => {
      const newest = newestOfEachKey(versions, keyOf, version)
      const sorted = byKey([...newest.values()]).map(([, fact]) => fact)
      const inserted = await client.query<Row>({ ...insert, values: sent(sorted, origin) })
      const isNew = new Set(inserted.rows.map(keyOf))
      const rest = sorted.filter(({ row }) => !isNew.has(keyOf(row)))
      const current = new Map<string, Locked>()
      if (rest.length > 0) {
        const { rows } = await client.query<Locked>({ ...lock, values: encoded(key, rest) })
        if (rows.length !== rest.length)
          throw new Error(`of ${rest.length} current rows of ${name} ${rows.length} are there`)
        for (const row of rows) current.set(keyOf(row), row)
      }
      if (inLog && rest.some(({ row }) => isMoved(row, current.get(keyOf(row)), origin)))
        throw new Error(`a key of ${name} has come to another partition just now`)
      if (versions.some(({ row }) => isPruned(row, current.get(keyOf(row)))))
        throw new Error(`the history of ${name} was pruned just now`)
      const replacing = rest.filter(({ row }) => compareVersions(version, row, current.get(keyOf(row))!) > 0)
      if (replacing.length > 0) {
        const { rowCount } = await client.query({ ...replace, values: sent(replacing, origin) })
        if (rowCount !== replacing.length)
          throw new Error(`of ${replacing.length} current rows of ${name} ${rowCount} were replaced`)
      }
      const before = replacing.map(({ identity, offset, row }) => ({
        identity,
        offset,
        row: current.get(keyOf(row))!,
      }))
      return {
        now: [...sorted.filter(({ row }) => isNew.has(keyOf(row))), ...replacing].filter(counts),
        before: before.filter(counts),
        older: countOlder(versions, current, keyOf, version),
      }
    },
    pruned: async (client, versions) => {
      if (versions.length === 0) return NONE_PRUNED
      const distinct = newestOfEachKey(versions, keyOf, version)
      const { rows } = await client.query<Row>({ ...pruned, values: encoded(key, [...distinct.values()]) })
      const there = new Map(rows.map((row) => [keyOf(row), row]))
      return new Set(
        versions.filter(({ row }) => isPruned(row, there.get(keyOf(row)))).map(({ identity }) => identity),
      )
    },
    moved: async (client, versions, origin) => {
      if (!inLog || versions.length === 0) return NONE_MOVED
      const distinct = newestOfEachKey(versions, keyOf, version)
      const { rows } = await client.query<Locked>({
        ...moved,
        values: [origin.sourcePartition, ...encoded(key, [...distinct.values()])],
      })
      const there = new Map(rows.map((row) => [keyOf(row), row]))
      return new Map(
        versions
          .filter(({ row }) => isMoved(row, there.get(keyOf(row)), origin))
          .map(({ identity, row }) => [identity, there.get(keyOf(row))!.sourcePartition]),
      )
    },
    lockCurrent: async (client, versions, { sourcePartition, incarnation }) => {
      const { rows } = await client.query<{ offset: number }>({
        ...lockSame,
        values: [
          sourcePartition,
          incarnation,
          int8s(versions.map(({ offset }) => offset)),
          ...encoded([...key, ...ofVersion], versions),
        ],
      })
      const offsets = new Set(rows.map(({ offset }) => offset))
      return versions.filter(({ offset }) => offsets.has(offset))
    },
    updateDerivations: async (client, versions) => {
      const { rowCount } = await client.query({ ...derive, values: encoded([...key, ...derived], versions) })
      if (rowCount !== versions.length)
        throw new Error(`of ${versions.length} current rows of ${name} ${rowCount} were updated`)
    },
  }
}

const counts = ({ row }: { readonly row: Row }): boolean => !isDeletion(row)

const isMoved = (row: Row, there: Locked | undefined, { sourcePartition }: Origin): boolean =>
  there !== undefined &&
  there.sourcePartition !== sourcePartition &&
  there['log_incarnation'] === row['log_incarnation']

function newestOfEachKey(
  versions: readonly Fact[],
  keyOf: (row: Row) => string,
  version: readonly string[],
): Map<string, Fact> {
  const newest = new Map<string, Fact>()
  for (const fact of versions) {
    const key = keyOf(fact.row)
    const other = newest.get(key)
    if (other === undefined || compareVersions(version, fact.row, other.row) > 0) newest.set(key, fact)
  }
  return newest
}

/** Each version in the order of offsets, beside what was current by then. */
function countOlder(
  versions: readonly Fact[],
  before: ReadonlyMap<string, Row>,
  keyOf: (row: Row) => string,
  version: readonly string[],
): number {
  const current = new Map(before)
  let older = 0
  for (const { row } of versions.toSorted((a, b) => a.offset - b.offset)) {
    const key = keyOf(row)
    const other = current.get(key)
    if (other !== undefined && compareVersions(version, row, other) < 0) older += 1
    else current.set(key, row)
  }
  return older
}
