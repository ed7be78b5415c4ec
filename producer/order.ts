/** A sale as the shop knows it, before it is written as a message. */
export interface Order {
  /** Lower-case UUID. */
  readonly orderId: string
  /** Amount in hundredths of the currency. */
  readonly amountCents: number
  readonly currency: string
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly customerId: string
  readonly category: string
}

/** The fields of a message, in the order in which they are written. */
export const FIELDS = [
  'order_id',
  'amount',
  'currency',
  'timestamp',
  'customer_id',
  'product_category',
] as const
export type Field = (typeof FIELDS)[number]

/**
 * The message of an order, as UTF-8 JSON. Written by hand, because it is on the way of every record at
 * tens of thousands a second: no string that the shop makes holds a character that JSON escapes.
 */
export function encodeOrder(order: Order): Buffer {
  return Buffer.from(
    `{"order_id":"${order.orderId}","amount":${decimal(order.amountCents)},"currency":"${order.currency}",` +
      `"timestamp":"${isoTime(order.time)}","customer_id":"${order.customerId}",` +
      `"product_category":"${order.category}"}`,
    'latin1',
  )
}

/** The JSON text of each field, for records of which one field is to be another. */
export function fieldTexts(order: Order): Record<Field, string> {
  return {
    order_id: `"${order.orderId}"`,
    amount: decimal(order.amountCents),
    currency: `"${order.currency}"`,
    timestamp: `"${isoTime(order.time)}"`,
    customer_id: `"${order.customerId}"`,
    product_category: `"${order.category}"`,
  }
}

/** Cents as a decimal number with two places; no floating point on the way. */
export function decimal(cents: number): string {
  const rest = cents % 100
  return `${(cents - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`
}

/** At high rates many orders share a millisecond, and the text of a date is dear: keep the last one. */
let lastTime = Number.NaN
let lastText = ''
function isoTime(time: number): string {
  if (time !== lastTime) {
    lastText = new Date(time).toISOString()
    lastTime = time
  }
  return lastText
}
