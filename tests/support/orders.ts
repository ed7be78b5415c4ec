import { randomUUID } from 'node:crypto'
import { transform } from '../../etl/job/transform.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import { compile } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import type { Row } from '../../etl/stream/field.ts'
import type { DeadLetterCode, Fact, Issue } from '../../etl/stream/types.ts'
import {
  count,
  currencyCode,
  flag,
  instant,
  list,
  money,
  percent,
  sum,
  text,
  uuid,
} from '../../etl/stream/words.ts'

/**
 * A declaration that is the tests' own, for what the engine does with parts that the installed stream need not
 * have: an identity of the whole warehouse, money, what is derived, a rollup, figures of a replay.
 */
export const orders = compile(
  defineStream('orders', {
    title: 'order',
    topic: { key: 'customer' },
    fields: {
      order_id: uuid(),
      amount: money(),
      currency: currencyCode(),
      placed: instant({ column: 'placed_at' }),
      customer: text(50),
      category: text(50),
    },
    eventTime: 'placed',
    partitionBy: 'month',
    identity: { once: 'order_id', scope: 'warehouse', keys: 'order_numbers' },
    derived: { tax: money(), is_large: flag(), score: percent(), reasons: list(text(200)) },
    derive: ({ amount }) => ({
      tax: Math.round((amount * 85) / 1_000),
      is_large: amount > 1_000_00,
      score: amount > 1_000_00 ? 50 : 0,
      reasons: amount > 1_000_00 ? ['amount over 1000'] : [],
    }),
    rollups: {
      orders_by_minute: {
        every: 'minute',
        by: ['currency', 'category'],
        measures: { orders: count(), amount: sum('amount'), tax: sum('tax') },
      },
    },
    replayFigures: { large: count({ where: 'is_large' }), tax: { ...sum('tax'), by: 'currency' } },
  }),
)

/** When Kafka stored the records of these tests: milliseconds since the epoch. An order is of a minute before. */
export const KAFKA_TIME = Date.parse('2026-11-21T10:00:00Z')
const PLACED = '2026-11-21T09:59:00Z'

/** The JSON object of a valid message. An override that is undefined takes the field away. */
export function anOrderMessage(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    order_id: randomUUID(),
    amount: 100.5,
    currency: 'EUR',
    placed: PLACED,
    customer: 'customer-1',
    category: 'books',
    ...overrides,
  }
}

/** A record as Kafka delivers it: of an object as JSON, of a string or bytes as they are. */
export function anOrderRecord(
  message: object | string | null = anOrderMessage(),
  overrides: Partial<SourceRecord> = {},
): SourceRecord {
  const value =
    message === null || Buffer.isBuffer(message)
      ? message
      : Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
  return {
    offset: 0,
    timestamp: KAFKA_TIME,
    key: Buffer.from('customer-1'),
    value,
    headers: [],
    ...overrides,
  }
}

/** An order that keeps the contract: amounts in hundredths, times in microseconds. */
export function anOrder(overrides: Row = {}): Row {
  const placed = Date.parse(PLACED) * 1_000
  return { ...anOrderMessage(), amount: 100_50, placed, ...overrides }
}

/** A fact with what is derived of its order, unless overridden. */
export function anOrderFact({ offset = 0, ...overrides }: Row & { offset?: number } = {}): Fact {
  const isDerived = (field: string) => field in orders.definition.derived!
  const given = Object.entries(overrides)
  const said = Object.fromEntries(given.filter(([field]) => !isDerived(field)))
  const [fact] = transform([{ record: anOrderRecord('', { offset }), row: anOrder(said) }], orders)
  return {
    ...fact!,
    row: { ...fact!.row, ...Object.fromEntries(given.filter(([field]) => isDerived(field))) },
  }
}

/** What validation made of a record, in a form that a test can compare. */
export interface ValidatedOrder {
  readonly code: DeadLetterCode | 'valid'
  readonly issues: readonly Issue[]
  readonly row?: Row
}

/** Validates a message (an object, JSON text or bytes), by default one that Kafka stored at KAFKA_TIME. */
export function validatedOrder(message: object | string | null, timestamp = KAFKA_TIME): ValidatedOrder {
  const outcome = orders.validate(anOrderRecord(message, { timestamp }), 1_095)
  if ('code' in outcome) return { code: outcome.code, issues: outcome.issues }
  if (!('row' in outcome)) throw new Error('it is no row')
  return { code: 'valid', issues: [], row: outcome.row }
}
