import type { DeadLetterCode } from '../etl/stream/types.ts'
import { INVALID_KINDS } from './invalid.ts'
import { openShop, encodeOrder, type Order } from './shop.ts'
import { createRandom, type Random } from './random.ts'

export const MESSAGE_KINDS = ['valid', 'duplicate', 'conflicting', 'invalid'] as const
export type MessageKind = (typeof MESSAGE_KINDS)[number]

/** A record to be sent, and what the ETL must make of it. */
export interface Message {
  readonly kind: MessageKind
  /** Of an invalid record the rule that it breaks (a `kind` of INVALID_KINDS), else its order_id. */
  readonly detail: string
  /** The customer_id. A duplicate has the key of its original, so both are in one partition, in order. */
  readonly key: string
  readonly value: Buffer | null
  /** The code of the dead letter that it must become; none for what is loaded or is a duplicate. */
  readonly expectedCode?: DeadLetterCode | undefined
}

export interface StreamOptions {
  /** 0 to 2^32 - 1. */
  readonly seed: number
  /** Milliseconds since the epoch; gives orders their time. */
  readonly now: () => number
  /** Share of records that break the contract, 0 to 1. */
  readonly invalidRatio: number
  /** Share of records that repeat a recent order, 0 to 1; together with the invalid ones at most 1. */
  readonly duplicateRatio: number
  /** The id of an order, given its time; without it version 7, drawn as all else. */
  readonly orderId?: (time: number) => string
}

/** Duplicates repeat one of this many orders before them. */
export const RECENT_ORDERS = 10_000
/** Of the duplicates this share has another amount than the original. */
export const CONFLICTING_SHARE = 0.25

/**
 * The endless sequence of records. It depends on nothing but the options: the same seed and the same
 * clock give the same bytes; with another clock only order ids and times differ.
 *
 * A duplicate that is due before there is any order to repeat is a new order instead.
 */
export function* messages({
  seed,
  now,
  invalidRatio,
  duplicateRatio,
  orderId,
}: StreamOptions): Generator<Message, never, undefined> {
  if (invalidRatio + duplicateRatio > 1)
    throw new RangeError('invalid and duplicate records exceed the whole')
  const random = createRandom(seed)
  const nextSale = openShop(random, orderId)
  const recent: Order[] = []
  let sales = 0

  for (;;) {
    const drawn = random.unit()
    if (drawn < invalidRatio) {
      yield invalid(nextSale(now()), random)
    } else if (drawn < invalidRatio + duplicateRatio && recent.length > 0) {
      const original = random.pick(recent)
      yield random.chance(CONFLICTING_SHARE) ? conflicting(original, random) : repeat(original, 'duplicate')
    } else {
      const order = nextSale(now())
      if (duplicateRatio > 0) recent[sales++ % RECENT_ORDERS] = order
      yield repeat(order, 'valid')
    }
  }
}

function repeat(order: Order, kind: 'valid' | 'duplicate'): Message {
  return {
    kind,
    detail: order.orderId,
    key: order.customerId,
    value: encodeOrder(order),
    expectedCode: undefined,
  }
}

/** The same order with an amount that is never its own. */
function conflicting(original: Order, random: Random): Message {
  const amountCents = original.amountCents + random.between(1, 50_00)
  return {
    kind: 'conflicting',
    detail: original.orderId,
    key: original.customerId,
    value: encodeOrder({ ...original, amountCents }),
    expectedCode: 'conflicting_duplicate',
  }
}

function invalid(order: Order, random: Random): Message {
  const broken = random.pick(INVALID_KINDS)
  const { key, value } = broken.make(order, random)
  return { kind: 'invalid', detail: broken.kind, key, value, expectedCode: broken.expectedCode }
}
