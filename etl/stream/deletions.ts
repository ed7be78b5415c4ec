import { z } from 'zod'
import type { SourceRecord } from '../kafka/record.ts'
import { identityFields, isTheKey } from './define.ts'
import type { Definition } from './definition.ts'
import { wireOf, type Row } from './field.ts'
import type { JsonObject } from './json.ts'
import { DELETED_AT, isLatest, versionFields } from './stored.ts'
import type { Rejection, ValidRecord } from './types.ts'

/** Of a stream of versions: which records delete their key, and what is read of those. */
export interface Deletions {
  /** Whether a record without a value is one: its key says what of. */
  readonly byTombstone: boolean
  /** @param row undefined where the record breaks the contract; then its right fields are looked at alone. */
  isOne(row: Row | undefined, input: JsonObject): boolean
  /**
   * Key and version, and nothing else: a deletion is right when these are. Its time is Kafka's own of the record.
   *
   * @param version by the envelope: that of a deletion that doesn't say it in its field.
   */
  read(input: JsonObject, record: SourceRecord, version?: bigint): ValidRecord | Rejection
}

/** Whether a record's fields say that it deletes; undefined where none can. */
export function deletesBy({ identity }: Definition): ((row: Row) => boolean) | undefined {
  const deletedWhen = identity.latest === undefined ? undefined : identity.deletedWhen
  return typeof deletedWhen === 'string' ? (row) => row[deletedWhen] === true : deletedWhen
}

/** @param named what an issue calls a field. */
export function compileDeletions(
  definition: Definition,
  named: (field: string) => string,
): Deletions | undefined {
  if (!isLatest(definition)) return undefined
  const { fields, eventTime, identity } = definition
  const key = identityFields(identity)
  const needed = [...key, ...versionFields(definition)].filter((field) => field in fields)
  const schema = z.compile(z.object(Object.fromEntries(needed.map((name) => [name, wireOf(fields[name]!)]))))
  const wires = Object.entries(fields).map(([name, field]) => [name, wireOf(field)] as const)
  const nothing = Object.fromEntries(Object.keys(fields).map((field) => [field, null]))
  const deletes = deletesBy(definition)
  /** Of a record that breaks the contract the right fields; a function that needs another one says no by throwing. */
  const deletesInPart = (input: JsonObject): boolean => {
    const right = wires.flatMap(([name, wire]) => {
      const { success, data } = wire.safeParse(input[name])
      return success ? [[name, data] as const] : []
    })
    try {
      return deletes!(Object.fromEntries(right))
    } catch {
      return false
    }
  }

  return {
    byTombstone: key.every((field) => isTheKey(fields, field)),
    isOne: (row, input) => deletes !== undefined && (row === undefined ? deletesInPart(input) : deletes(row)),
    read: (input, record, version) => {
      const says = version === undefined || input[identity.by] !== undefined
      const parsed = schema.safeParse(says ? input : { ...input, [identity.by]: Number(version) })
      if (!parsed.success) {
        const issues = parsed.error.issues.map(({ path, message }) => {
          const field = named(String(path[0] ?? ''))
          return { field, message: `${field} ${message}` }
        })
        return { record, code: 'schema_violation', issues }
      }
      const at = record.timestamp * 1_000
      if (!Number.isSafeInteger(at)) {
        const message = `Kafka's time of the record is ${record.timestamp} ms since 1970; a deletion has that as its time`
        return { record, code: 'timestamp_out_of_range', issues: [{ field: '', message }] }
      }
      return { record, row: { ...nothing, [eventTime]: at, ...(parsed.data as Row), [DELETED_AT]: at } }
    },
  }
}
