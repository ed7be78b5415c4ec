import { key as recordKey, text } from '../../etl/stream/words.ts'
import { count, thousands } from '../../etl/text/wording.ts'
import { roomFor, zonelessTime, type Word } from './guess-word.ts'
import { titleOf, type Names } from './names.ts'
import type { Place } from './paths.ts'
import { NoGuess, type SampleRecord } from './sample.ts'

/** A field as it is declared. */
export interface GuessedField extends Word {
  readonly field: string
  /** As an issue names it, and as a person does. */
  readonly path: string
  /** Source of the option `at`, where it isn't the field's own name. */
  readonly at?: string
  readonly column?: string
  readonly isOptional: boolean
  /** Of rows: the fields of a line. */
  readonly lines?: readonly GuessedField[]
  /** In how many records it is missing. */
  readonly missing: number
}

/** What was chosen, and why where nobody has said so. */
export interface Chosen<T> {
  readonly is: T
  readonly guess?: string
}

/** Times that say when something happened, the best first. */
const EVENT_TIMES =
  'event_time event_timestamp event_at occurred_at happened_at timestamp time ts at created_at created date'.split(
    ' ',
  )
export const IDENTITIES = ['uuid', 'text', 'oneOf', 'int']

/** What is known of a sample. */
export interface Seen {
  /** Of the stream. */
  readonly name: string
  readonly fields: readonly GuessedField[]
  readonly places: readonly Place[]
  readonly records: readonly SampleRecord[]
  /** One for each record, of a field that is always there. */
  valuesOf(this: void, field: GuessedField): readonly unknown[]
  /** What a person has said. */
  readonly told: {
    readonly time?: GuessedField | undefined
    readonly identity?: readonly GuessedField[] | undefined
    readonly key?: GuessedField | undefined
  }
}

const alwaysThere = (fields: readonly GuessedField[]): GuessedField[] =>
  fields.filter(({ isOptional }) => !isOptional)

/** The instants that may say when it happened, the likeliest first. */
export function timesOf({ fields, places, told: { time: said } }: Seen): readonly GuessedField[] {
  if (said !== undefined) {
    if (said.name === 'instant' && !said.isOptional) return [said]
    throw new NoGuess(
      `${said.field} can't be the event time: ${said.isOptional ? `it is missing in ${count(said.missing, 'record')}` : 'it is no instant in every record'}`,
    )
  }
  const instants = alwaysThere(fields).filter(({ name }) => name === 'instant')
  const rank = ({ field }: GuessedField) => {
    const found = EVENT_TIMES.findIndex((one) => field === one || field.endsWith(`_${one}`))
    return found === -1 ? EVENT_TIMES.length : found
  }
  if (instants.length > 0) return instants.toSorted((a, b) => rank(a) - rank(b))
  const sometimes = fields
    .filter(({ name }) => name === 'instant')
    .map(({ field, missing }) => `${field} is a time, but missing in ${count(missing, 'record')}`)
  const zoneless = places
    .filter(({ values }) => values.length > 0 && values.every(zonelessTime))
    .map(({ path }) => `${path} looks like a time, but is written without its zone or not as RFC 3339 has it`)
  const found = [...sometimes, ...zoneless]
  throw new NoGuess(
    [
      'No field of the sample says in every record when it happened, and a stream must have one:',
      ...(found.length === 0 ? ['  none of them is a time'] : found.map((one) => `  ${one}`)),
      'A time is text such as 2026-11-21T12:00:00Z, or a whole number of seconds, milliseconds or microseconds since 1970.',
      'Have the producer send one; if the records without it are broken, leave them out: --tolerate PERCENT. A time',
      "that is there under a name that wasn't recognised: --event-time FIELD.",
    ].join('\n'),
  )
}

/** How likely a field of a stream is its identity by its name: 0 is best, below 5 is the name of an id, −1 never. */
export const identityRank = (name: string) => {
  const own = titleOf(name).replaceAll(' ', '_')
  return ({ field, name: word }: Pick<GuessedField, 'field' | 'name'>) =>
    [
      field === `${own}_id` || field === `${name}_id` || field === `${own}_uuid`,
      field === 'id' || field === 'uuid',
      /^(event|message|record)_(id|uuid|key)$/.test(field),
      word === 'uuid',
      /_(id|uuid|key|no|number)$/.test(field),
      word === 'text',
      word === 'int',
    ].findIndex((is) => is)
}

/** Which records have the same in these columns as one before them, and differ: those that are the same to the byte may come again. */
export function conflictsOf(
  records: readonly SampleRecord[],
  columns: readonly (readonly unknown[])[],
): number[] {
  const bodyOf = new Map<string, string>()
  return records.flatMap(({ source }, i) => {
    const body = source.value!.toString()
    const id = JSON.stringify(columns.map((values) => values[i]))
    const before = bodyOf.get(id) ?? body
    bodyOf.set(id, before)
    return before === body ? [] : [i]
  })
}

/** What tells records apart: one field if there is one, else one with the time, else two. And which of the times it is. */
export function tellApart(
  seen: Seen,
  times: readonly GuessedField[],
): { readonly time: Chosen<string>; readonly identity: Chosen<readonly string[]> } {
  const { name, fields, records, valuesOf } = seen
  const said = seen.told.identity
  const first = times[0]!
  const chosen = (time: GuessedField): Chosen<string> => {
    if (seen.told.time !== undefined) return { is: time.field }
    const others = times.filter((one) => one !== time).map(({ field }) => field)
    const guess =
      others.length === 0 ? 'the only time that each record has' : `it might also be ${others.join(', ')}`
    return { is: time.field, guess }
  }
  const usable = alwaysThere(fields).filter(({ name: word }) => IDENTITIES.includes(word))
  if (said !== undefined) {
    const wrong = said.find((one) => !usable.includes(one))
    if (wrong === undefined) return { time: chosen(first), identity: { is: said.map(({ field }) => field) } }
    throw new NoGuess(
      `${wrong.field} can't be part of the identity: ${wrong.isOptional ? `it is missing in ${count(wrong.missing, 'record')}` : `it is ${wrong.name}, and must be ${IDENTITIES.join(' or ')}`}`,
    )
  }
  const distinct = (columns: readonly (readonly unknown[])[]) => conflictsOf(records, columns).length === 0
  const rank = identityRank(name)
  const ranked = usable.filter((one) => rank(one) !== -1).toSorted((a, b) => rank(a) - rank(b))
  const alone = ranked.find((one) => distinct([valuesOf(one)]))
  if (alone !== undefined) {
    const guess = `no two of the ${thousands(records.length)} records have the same and differ`
    return { time: chosen(first), identity: { is: [alone.field], guess } }
  }
  const ids = ranked.filter((one) => rank(one) < 5)
  for (const time of times) {
    const one = ids.find((id) => distinct([valuesOf(id), valuesOf(time)]))
    if (one === undefined) continue
    const guess = 'it comes again at other times, and each is a fact of its own'
    return { time: chosen(time), identity: { is: [one.field], guess } }
  }
  for (const [i, one] of ranked.entries())
    for (const other of ranked.slice(i + 1))
      if (distinct([valuesOf(one), valuesOf(other), valuesOf(first)])) {
        const guess = 'neither tells records apart alone'
        return { time: chosen(first), identity: { is: [one.field, other.field], guess } }
      }
  throw new NoGuess(
    [
      'Nothing in the sample tells its records apart: neither a field, nor two together with the time.',
      ...fields
        .filter((one) => IDENTITIES.includes(one.name) && rank(one) !== -1 && rank(one) < 5)
        .map((one) =>
          one.isOptional
            ? `  ${one.field} is missing in ${count(one.missing, 'record')}`
            : `  ${one.field} comes again, with other values, in ${count(conflictsOf(records, [valuesOf(one), valuesOf(first)]).length, 'record')}`,
        ),
      'A record that comes twice must be known for the same one, so a stream needs an identity. Have the producer send',
      'an id; or leave broken records out, --tolerate PERCENT; or say which fields make it, --identity FIELD,FIELD: then',
      'records of one identity that differ are dead letters.',
    ].join('\n'),
  )
}

/** The field that is the message's key, where the sample has keys; what the key is, where none of them is; else a guess. */
export function chooseKey(
  { fields, records, valuesOf, told: { key: said } }: Seen,
  names: Names,
  identity: readonly string[],
): { key: Chosen<string>; field?: GuessedField } {
  if (said !== undefined) return { key: { is: said.field } }
  const keys = records.map(({ key }) => key)
  if (keys.every((one) => one !== undefined)) {
    const same = alwaysThere(fields).find((field) =>
      valuesOf(field).every((value, i) => String(value) === keys[i]),
    )
    if (same !== undefined) return { key: { is: same.field } }
    const { length } = roomFor(keys)
    const field: GuessedField = {
      ...names.name('message_key'),
      path: 'the key',
      at: 'key()',
      name: 'text',
      first: [String(length)],
      own: {},
      make: (options) => text(length, { ...options, at: recordKey() }),
      isOptional: false,
      missing: 0,
      guess: 'no field is the message’s key: the key itself',
    }
    if (keys.every((one) => field.make({}).kind.wire.safeParse(one).success))
      return { key: { is: field.field }, field }
  }
  return {
    key: {
      is: identity[0]!,
      guess: keys.every((one) => one === undefined)
        ? 'the sample has no keys: say which field producers key messages by'
        : 'not every message has a key: say which field producers key messages by',
    },
  }
}
