import type { Random } from '../../producer/random.ts'
import { text, type Fields } from './message.ts'

/** A message with some of its fields in other words, or with other values, by what was changed. */
export type Changes = Readonly<Record<string, Fields>>

const NEWEST = Number.MAX_SAFE_INTEGER

/** One of these changes, drawn. */
export function changed(
  fields: Fields,
  changes: Changes,
  random: Random,
): { readonly name: string; readonly value: Buffer } {
  const name = random.pick(Object.keys(changes))
  return { name, value: Buffer.from(text({ ...fields, ...changes[name] })) }
}

/** A fact that comes again; of three, two times as another version, whose other values may be changed too. */
export function versionsOf(
  { fields, version, first }: { readonly fields: Fields; readonly version: number; readonly first: 0 | 1 },
  { same, others }: { readonly same: Changes; readonly others: Changes },
  random: Random,
): { readonly name: string; readonly value: Buffer } {
  if (random.chance(0.34)) return changed(fields, { ...same, ...others }, random)
  const steps = {
    'the next version': 1,
    'a newer version': random.between(2, 9),
    'an older version': -random.between(1, 5),
  }
  const name = random.pick(Object.keys(steps) as (keyof typeof steps)[])
  const other = String(Math.min(NEWEST, Math.max(first, version + steps[name])))
  const { name: change, value } = changed({ ...fields, version: other }, { '': {}, ...others }, random)
  return { name: [name, change].filter(Boolean).join(', '), value }
}
