import { compileContract } from '../../etl/stream/contract.ts'
import { defineStream } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { chooseKey, tellApart, timesOf, type Chosen, type GuessedField, type Seen } from './choose.ts'
import { columnsAt, fieldAt, fieldsOf, guessRows } from './guess-rows.ts'
import { guessWord, isRounded } from './guess-word.ts'
import { Names, titleOf } from './names.ts'
import { placesOf, type Place } from './paths.ts'
import { NoGuess, type Sample, type SampleRecord } from './sample.ts'

/** A declaration that takes every record of a sample. */
export interface Guess {
  readonly name: string
  readonly title: string
  readonly fields: readonly GuessedField[]
  readonly key: Chosen<string>
  readonly eventTime: Chosen<string>
  readonly identity: Chosen<readonly string[]>
  /** What the declaration doesn't have, and why. */
  readonly leftOut: readonly string[]
  readonly definition: Definition
}

/** What a person has said, by the names of fields or their paths. */
export interface Told {
  readonly identity?: readonly string[] | undefined
  readonly eventTime?: string | undefined
  readonly key?: string | undefined
}

/** In days: whatever its age. */
const NO_AGE_LIMIT = 1_000_000

/**
 * A declaration for the records of a sample: what is always there is compulsory, the rest may be missing.
 *
 * @param name of the stream.
 * @throws NoGuess where the sample has no event time or no identity, or what was told isn't there.
 */
export function guessStream(name: string, { from, records }: Sample, told: Told = {}): Guess {
  const { places, unnamed } = placesOf(records.map(({ message }) => message))
  const leftOut = unnamed.map((path) => `${path}: no path leads to a name that is empty or has a dot`)
  const names = new Names(name)
  const fields = places.flatMap((place): GuessedField[] => {
    const plain = place.values.length === 0 ? undefined : guessWord(place.path, place.values)
    if (plain === undefined) {
      leftOut.push(`${place.path}: ${whyNone(place)}`)
      return []
    }
    const named = names.name(place.path)
    return [fieldAt(place, named, guessRows(name, named.field, place, columnsAt(places)) ?? plain)]
  })
  const valuesOf = (field: GuessedField) => places.find(({ path }) => path === field.path)!.values
  const find = (said: string) => {
    const found = fields.find(({ field, path }) => field === said || path === said)
    if (found !== undefined) return found
    throw new NoGuess(
      `${from} has no field ${said} that can be declared; it has ${fields.map(({ field }) => field).join(', ')}`,
    )
  }
  const seen: Seen = {
    name,
    fields,
    places,
    records,
    valuesOf,
    told: {
      time: told.eventTime === undefined ? undefined : find(told.eventTime),
      identity: told.identity?.map(find),
      key: told.key === undefined ? undefined : find(told.key),
    },
  }
  const { time, identity } = tellApart(seen, timesOf(seen))
  const byKey = chooseKey(seen, names, identity.is)
  const all = byKey.field === undefined ? fields : [...fields, byKey.field]
  const guess = {
    name,
    title: titleOf(name),
    fields: all,
    key: byKey.key,
    eventTime: time,
    identity,
    leftOut,
  }
  const definition = define(guess)
  requireValid(definition, records)
  return { ...guess, definition }
}

function whyNone({ values }: Place): string {
  if (values.length === 0) return 'it is null in every record of the sample'
  return values.some(isRounded)
    ? 'whole numbers beyond 2^53 would be rounded: have them sent as text'
    : 'no word takes all of its values'
}

type Undefined = Omit<Guess, 'definition'>

function define({ name, title, fields, key, eventTime, identity }: Undefined): Definition {
  const spec = {
    title,
    topic: { key: key.is },
    fields: fieldsOf(fields),
    eventTime: eventTime.is,
    partitionBy: 'month' as const,
    identity: { once: identity.is, scope: 'event_time' as const },
  }
  // What can't be said by types alone is checked as it is for everybody.
  return defineStream(name, spec as never)
}

/** As the ETL will, whatever their age. */
function requireValid(definition: Definition, records: readonly SampleRecord[]): void {
  const validate = compileContract(definition)
  for (const { source } of records) {
    const outcome = validate(source, NO_AGE_LIMIT)
    if ('code' in outcome && outcome.code !== 'timestamp_out_of_range')
      throw new NoGuess(
        `a record of the sample would be refused, which is a mistake of this command: ${outcome.issues.map(({ message }) => message).join('; ')}`,
      )
  }
}
