import { identityFields } from '../etl/stream/define.ts'
import { deletesBy } from '../etl/stream/deletions.ts'
import type { Definition } from '../etl/stream/definition.ts'
import type { Row } from '../etl/stream/field.ts'
import type { Samples } from '../etl/stream/samples.ts'
import type { DeadLetterCode } from '../etl/stream/types.ts'
import { partOf, streams } from '../etl/installation.ts'
import { createEncoder } from './encode.ts'
import { invalidKinds, type InvalidKind } from './invalid.ts'
import { createRandom, uuidV7, type Random } from './random.ts'
import { isEach, isLatest } from '../etl/stream/stored.ts'
import { versionsOf } from './versions.ts'

export const MESSAGE_KINDS = ['valid', 'duplicate', 'conflicting', 'invalid'] as const
export type MessageKind = (typeof MESSAGE_KINDS)[number]

/** A record to be sent, and what the ETL must make of it. */
export interface Message {
  /** The stream's name. */
  readonly stream: string
  readonly kind: MessageKind
  /** Of an invalid record the rule that it breaks (a `kind` of INVALID_KINDS), else its identity. */
  readonly detail: string
  /** The stream's key. A duplicate has that of its original, so both are in one partition, in order. */
  readonly key: string
  readonly value: Buffer | null
  readonly headers?: Record<string, string>
  /** The code of the dead letter that it must become; none for what is loaded or is a duplicate. */
  readonly expectedCode?: DeadLetterCode | undefined
}

export interface MessageOptions {
  /** 0 to 2^32 - 1. */
  readonly seed: number
  /** Milliseconds since the epoch; gives records their time. */
  readonly now: () => number
  /** Share of records that break the contract, 0 to 1. */
  readonly invalidRatio: number
  /** Share of records that repeat a recent one, 0 to 1; together with the invalid ones at most 1. */
  readonly duplicateRatio: number
  /** Ids, given a record's time; without it version 7, drawn as all else. */
  readonly orderId?: (time: number) => string
}

/** Duplicates repeat one of this many records before them. */
export const RECENT_ORDERS = 10_000
/** Of the duplicates this share has another value than the original. */
export const CONFLICTING_SHARE = 0.25

const ofStreams = await partOf<Readonly<Record<string, Samples>>>('samples', {})
const AN_ID = '0193804c-3f00-7000-8000-000000000000'

/** What the producer makes of a stream. */
export interface Records {
  /** Every way to break its contract that the producer knows. */
  readonly invalidKinds: readonly InvalidKind[]
  /**
   * The endless sequence of records. It depends on nothing but the options: the same seed and the same
   * clock give the same bytes; with another clock only ids and times differ.
   *
   * A duplicate that is due before there is any record to repeat is a new record instead.
   */
  messages(this: void, options: MessageOptions): Generator<Message, never, undefined>
  /** The sequence of rows that `messages` sends, each at a time in milliseconds since the epoch. */
  rows(this: void, random: Random, id?: (time: number) => string): (time: number) => Row
  /** A row that may lack fields, and for those what their words draw. */
  filled(this: void, random: Random, id?: (time: number) => string): (made: Row, time: number) => Row
  /**
   * What is sent of a row, at last the row itself: before it, in the shares that the options say, it broken and earlier
   * ones again. Where all are to be faulty it has no end.
   */
  faulty(this: void, random: Random, shares: Shares): (row: Row) => Generator<Message, void, undefined>
}

export type Shares = Pick<MessageOptions, 'invalidRatio' | 'duplicateRatio'>

export function recordsOf(stream: Definition): Records {
  const encoder = createEncoder(stream)
  const identity = identityFields(stream.identity)
  const KEY = stream.topic.key
  const INVALID_KINDS = invalidKinds(stream, encoder)
  const deletes = (isLatest(stream) ? deletesBy(stream) : undefined) ?? (() => false)

  function* messages({
    seed,
    now,
    orderId,
    ...shares
  }: MessageOptions): Generator<Message, never, undefined> {
    const random = createRandom(seed)
    const next = rows(random, orderId)
    const sent = faulty(random, shares)
    for (;;) yield* sent(next(now()))
  }

  function faulty(
    random: Random,
    { invalidRatio, duplicateRatio }: Shares,
  ): (row: Row) => Generator<Message, void, undefined> {
    if (invalidRatio + duplicateRatio > 1)
      throw new RangeError('invalid and duplicate records exceed the whole')
    const recent: Row[] = []
    let made = 0
    return function* (row) {
      // Of a record that deletes nothing but key and version is looked at, so nothing else can be wrong with it.
      for (;;) {
        const drawn = random.unit()
        if (drawn < invalidRatio && !deletes(row)) {
          yield invalid(row, random)
        } else if (
          drawn >= invalidRatio &&
          drawn < invalidRatio + duplicateRatio &&
          recent.length > 0 &&
          !isEach(stream)
        ) {
          const original = random.pick(recent)
          yield random.chance(CONFLICTING_SHARE) && !deletes(original)
            ? conflicting(original, random)
            : repeat(original, 'duplicate')
        } else {
          if (duplicateRatio > 0) recent[made++ % RECENT_ORDERS] = row
          yield repeat(row, 'valid')
          return
        }
      }
    }
  }

  function rows(random: Random, id?: (time: number) => string): (time: number) => Row {
    const versions = versionsOf(stream, random)
    const sample = ofStreams[stream.name]?.(random)
    const fill = filled(random, id)
    const draw = (time: number): Row => fill(sample?.(time) ?? {}, time)
    return versions === undefined ? draw : (time) => versions.next(draw(time))
  }

  function filled(
    random: Random,
    id = (time: number): string => uuidV7(random, time),
  ): (made: Row, time: number) => Row {
    const fields = Object.entries(stream.fields)
    return (made, time) => {
      const row: Record<string, unknown> = {}
      for (const [name, { kind, isOptional }] of fields) {
        if (name in made) row[name] = made[name]
        // An id with the time in it: a run that is repeated with its seed makes other records than before.
        else if (isId(name, kind)) row[name] = id(time)
        else if (name === stream.eventTime) row[name] = time * 1_000
        else row[name] = isOptional && random.chance(0.3) ? null : kind.sample(random, time)
      }
      return row
    }
  }

  /** Of an identity of one field also a text that has room for it: what its word draws would soon come again. */
  const isId = (name: string, { name: word, wire }: Definition['fields'][string]['kind']): boolean =>
    identity.includes(name) &&
    (word === 'uuid' || (word === 'text' && identity.length === 1 && wire.safeParse(AN_ID).success))

  const headersOf = (row: Row): Pick<Message, 'headers'> => {
    const headers = encoder.headers(row)
    return headers === undefined ? {} : { headers }
  }

  const keyOf = (row: Row): string => String(row[KEY])

  function message(row: Row, about: Pick<Message, 'kind' | 'expectedCode'>): Message {
    return {
      stream: stream.name,
      detail: identity.map((field) => String(row[field])).join(','),
      key: keyOf(row),
      value: Buffer.from(encoder.text(row)),
      ...headersOf(row),
      ...about,
    }
  }

  const repeat = (row: Row, kind: 'valid' | 'duplicate'): Message =>
    message(row, { kind, expectedCode: undefined })

  /** Of versions: which is newer, and whether it deletes. */
  const DECIDING: readonly unknown[] = isLatest(stream)
    ? [stream.identity.by, stream.identity.deletedWhen]
    : []

  /** What a conflicting duplicate has of its own: no identity, no time; an amount, where there is one. */
  const CHANGED = (() => {
    const others = Object.entries(stream.fields).filter(
      ([name]) =>
        !identity.includes(name) && !DECIDING.includes(name) && name !== stream.eventTime && name !== KEY,
    )
    return others.find(([, { kind }]) => kind.name === 'money') ?? others[0]
  })()

  /** The same identity with a value that is never its own. */
  function conflicting(original: Row, random: Random): Message {
    if (CHANGED === undefined) return repeat(original, 'duplicate')
    const [name, { kind }] = CHANGED
    let value: unknown
    if (kind.name === 'money') value = (original[name] as number) + random.between(1, 50_00)
    else
      do value = kind.sample(random, 0)
      while (original[name] !== null && kind.equal(value as object, original[name] as object))
    return message(
      { ...original, [name]: value },
      { kind: 'conflicting', expectedCode: 'conflicting_duplicate' },
    )
  }

  function invalid(row: Row, random: Random): Message {
    const broken = random.pick(INVALID_KINDS)
    return {
      stream: stream.name,
      kind: 'invalid',
      detail: broken.kind,
      key: keyOf(row),
      value: broken.make(row, random),
      ...headersOf(row),
      expectedCode: broken.expectedCode,
    }
  }

  return { invalidKinds: INVALID_KINDS, messages, rows, filled, faulty }
}

/** Of the first stream. */
export const { invalidKinds: INVALID_KINDS, messages } = recordsOf(streams[0]!)
