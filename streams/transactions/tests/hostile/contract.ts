import type { Random } from '../../../../producer/random.ts'
import type { Contract } from '../../../../tests/hostile/contract.ts'
import { quoted, rfc3339, text } from '../../../../tests/hostile/message.ts'
import { validFields } from './message.ts'
import { judge, type Order } from './oracle.ts'
import { TRAPS } from './traps.ts'

export const contract: Contract<Order> = {
  validFields,
  judge: (value, kafkaMs) => {
    const verdict = judge(value, kafkaMs)
    return 'order' in verdict ? { fact: verdict.order } : verdict
  },
  traps: TRAPS,
  identityOf: ({ orderId }) => orderId,
  again,
  stored: `jsonb_build_array(t.order_id, t.amount::text, t.currency,
    (extract(epoch from t.transaction_timestamp) * 1000000)::int8::text, t.customer_id, t.product_category)::text`,
  shown: ({ orderId, amount, currency, micros, customerId, productCategory }) =>
    JSON.stringify([orderId, amount, currency, String(micros), customerId, productCategory]),
}

/** An order once more: the same in other words, or not the same. */
function again(order: Order, random: Random): { name: string; value: Buffer } {
  const fields = {
    order_id: quoted(order.orderId),
    amount: order.amount,
    currency: quoted(order.currency),
    timestamp: quoted(rfc3339(order.micros)),
    customer_id: quoted(order.customerId),
    product_category: quoted(order.productCategory),
  }
  const changes: Record<string, Partial<typeof fields>> = {
    'in upper case': { order_id: quoted(order.orderId.toUpperCase()) },
    'in another zone': { timestamp: quoted(rfc3339(order.micros).replace('Z', '+00:00')) },
    'with more digits': {
      amount: `${order.amount}0`,
      timestamp: quoted(rfc3339(order.micros).replace('Z', '9Z')),
    },
    'in the same words': {},
    'with another amount': { amount: order.amount === '1.00' ? '2' : '1' },
    'a microsecond later': { timestamp: quoted(rfc3339(order.micros + 1n)) },
    'in another currency': { currency: order.currency === '"EUR"' ? '"USD"' : '"EUR"' },
    'of a customer in another case': { customer_id: quoted(order.customerId.toUpperCase()) },
    'of another category': { product_category: quoted(`${order.productCategory.slice(0, 20)}!`) },
  }
  const name = random.pick(Object.keys(changes))
  return { name, value: Buffer.from(text({ ...fields, ...changes[name] })) }
}
