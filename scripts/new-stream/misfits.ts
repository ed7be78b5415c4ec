import type { JsonObject } from '../../etl/stream/json.ts'
import { conflictsOf, IDENTITIES, identityRank } from './choose.ts'
import { fewRefused, guessWord, isRounded } from './guess-word.ts'
import { isObject, isRecord, placesOf } from './paths.ts'
import { NoGuess, type Sample, type SampleRecord } from './sample.ts'

/** A sample without its broken records, and why each of those is one. */
export interface Fitting {
  readonly sample: Sample
  readonly misfits: readonly string[]
}

/**
 * Leaves out the records that are unlike the others: of another type at a place, refused by a word that takes the rest, or
 * without the time or the identity that the rest have. What is only missing is optional, and no reason.
 *
 * @param percent how many may be left out for one reason, and in all.
 * @throws NoGuess where there are more.
 */
export function withoutMisfits(name: string, sample: Sample, percent: number): Fitting {
  const few = Math.floor((sample.records.length * percent) / 100)
  const why = new Map<SampleRecord, string>()
  let records = sample.records
  const leaveOut = (reasons: ReadonlyMap<SampleRecord, string>) => {
    for (const [record, reason] of reasons) why.set(record, why.get(record) ?? reason)
    records = records.filter((record) => !why.has(record))
  }
  if (few > 0) {
    leaveOut(unlike(records, few))
    leaveOut(withoutTime(records, few))
    leaveOut(withoutIdentity(name, records, few))
  }
  if (why.size > few)
    throw new NoGuess(
      `${why.size} of ${sample.records.length} records are unlike the others, more than ${percent} %`,
    )
  return { sample: { ...sample, records }, misfits: [...why.values()] }
}

/** Those of another type than the others, or refused where the others are taken. */
function unlike(records: readonly SampleRecord[], few: number): Map<SampleRecord, string> {
  const found = new Map<SampleRecord, string>()
  walk(
    records.map((record) => ({ record, object: record.message })),
    '',
  )
  return found

  function walk(entries: readonly { record: SampleRecord; object: JsonObject }[], prefix: string): void {
    for (const name of new Set(entries.flatMap(({ object }) => Object.keys(object)))) {
      const path = `${prefix}${name}`
      const there = entries
        .map(({ record, object }) => ({
          record,
          value: Object.hasOwn(object, name) ? object[name] : undefined,
        }))
        .filter(({ value }) => value !== undefined && value !== null)
      const byType = Map.groupBy(there, ({ value }) => typeOf(value))
      const [most, ...others] = [...byType].toSorted(([, a], [, b]) => b.length - a.length)
      if (most === undefined) continue
      const [type, usual] = most
      const rare = others.flatMap(([, them]) => them)
      if (rare.length > few) continue
      for (const { record, value } of rare)
        found.set(record, `${path} is ${typeOf(value)}, not ${type} as elsewhere`)
      const values = usual.map(({ value }) => value)
      if (values.every(isObject) && isRecord(values))
        walk(
          usual.map(({ record, value }) => ({ record, object: value as JsonObject })),
          `${path}.`,
        )
      else
        for (const i of fewRefused(path, values, few))
          found.set(
            usual[i]!.record,
            `${path} is unlike the others: ${JSON.stringify(values[i]).slice(0, 60)}`,
          )
    }
  }
}

const typeOf = (value: unknown): string =>
  Array.isArray(value)
    ? 'a list'
    : isRounded(value)
      ? 'a number beyond 2^53'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`

/** Those without the time that the others have, where there is none that all have. */
function withoutTime(records: readonly SampleRecord[], few: number): Map<SampleRecord, string> {
  const times = placesOf(records.map(({ message }) => message))
    .places.filter(({ missing, values }) => missing <= few && values.length > 0)
    .filter(({ path, values }) => guessWord(path, values)?.name === 'instant')
    .toSorted((a, b) => a.missing - b.missing)
  return times[0] === undefined ? new Map() : missingAt(times[0].path, records)
}

/** Those without the id that the others have, or with that of another record. */
function withoutIdentity(
  name: string,
  records: readonly SampleRecord[],
  few: number,
): Map<SampleRecord, string> {
  const rank = identityRank(name)
  const ids = placesOf(records.map(({ message }) => message))
    .places.filter(({ missing, values }) => missing <= few && values.length > 0)
    .map(({ path, values }) => ({
      path,
      rank: rank({ field: path, name: guessWord(path, values)?.name ?? '' }),
      word: guessWord(path, values)?.name,
    }))
    .filter((one) => one.rank !== -1 && one.rank < 5 && IDENTITIES.includes(one.word ?? ''))
    .toSorted((a, b) => a.rank - b.rank)
  for (const { path } of ids) {
    const out = missingAt(path, records)
    const rest = records.filter((record) => !out.has(record))
    const again = conflictsOf(rest, [rest.map(({ message }) => at(path, message))])
    if (out.size + again.length > few) continue
    for (const i of again) out.set(rest[i]!, `${path} is that of another record`)
    return out
  }
  return new Map()
}

const missingAt = (path: string, records: readonly SampleRecord[]): Map<SampleRecord, string> =>
  new Map(
    records
      .filter(({ message }) => (at(path, message) ?? null) === null)
      .map((record) => [record, `${path} is missing`] as const),
  )

const at = (path: string, message: JsonObject): unknown =>
  path.split('.').reduce<unknown>((value, part) => (isObject(value) ? value[part] : undefined), message)
