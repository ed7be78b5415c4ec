import { identityFields } from '../etl/stream/define.ts'
import type { Definition } from '../etl/stream/definition.ts'
import type { Row } from '../etl/stream/field.ts'
import { isLatest } from '../etl/stream/stored.ts'
import type { Random } from './random.ts'

/** Of the records of a stream of versions this share is the next version of a key that was there before. */
export const LATER_SHARE = 0.6
/** Of those this share deletes it, where a flag says so. */
const DELETED_SHARE = 0.05
/** Keys that may get a further version. */
const KEYS = 10_000

/** What a stream of versions has that no word draws. */
export interface Versions {
  /** Makes of a drawn record the next version of an earlier key, or the first one of a new key. */
  next(this: void, drawn: Row): Row
}

/** @returns undefined where the stream has no versions. */
export function versionsOf(stream: Definition, random: Random): Versions | undefined {
  if (!isLatest(stream)) return undefined
  const { by, deletedWhen } = stream.identity
  const key = identityFields(stream.identity)
  const kept: Row[] = []
  let made = 0
  const remember = (at: number, row: Row): Row => {
    kept[at] = Object.fromEntries([...key, ...(by === 'log' ? [] : [by])].map((field) => [field, row[field]]))
    return row
  }
  return {
    next: (drawn) => {
      const row =
        typeof deletedWhen === 'string' ? { ...drawn, [deletedWhen]: random.chance(DELETED_SHARE) } : drawn
      if (kept.length === 0 || !random.chance(LATER_SHARE)) return remember(made++ % KEYS, row)
      const at = random.between(0, kept.length - 1)
      const before = kept[at]!
      const version =
        by === 'log' ? {} : { [by]: Math.max((before[by] as number) + 1, timeOf(stream, row, by)) }
      return remember(at, { ...row, ...before, ...version })
    },
  }
}

/** Of versions by the time that things happened at, that is the version. */
const timeOf = ({ eventTime }: Definition, row: Row, by: string): number =>
  by === eventTime ? (row[by] as number) : 0
