import { expect, test } from 'vitest'
import { createRandom } from '../../producer/random.ts'
import { KAFKA_MS, validFields } from '../hostile/message.ts'
import { judge } from '../hostile/oracle.ts'
import { TRAPS } from '../hostile/traps.ts'
import { aRecord, type Sale } from '../support/a-transaction.ts'
import { stream } from '../support/stream.ts'

/** What was written down by hand, what a second reading of the contract says, and what the product does. */
test.each(TRAPS.map((trap) => [trap.name, trap.expected, trap] as const))('%s: %s', (_, expected, trap) => {
  const { kafkaMs = KAFKA_MS } = trap
  const value = trap.value(validFields(createRandom(1), KAFKA_MS))

  const verdict = judge(value, kafkaMs)
  const outcome = stream.validate(aRecord({ value, timestamp: kafkaMs }), 1_095)

  expect('code' in verdict ? verdict.code : 'loaded').toBe(expected)
  expect('code' in outcome ? outcome.code : 'loaded').toBe(expected)
  if (!('order' in verdict) || !('row' in outcome)) return
  const { order } = verdict
  const sale = outcome.row as Sale
  expect({ ...sale, amount: order.amount.replace('.', ''), timestamp: BigInt(sale.timestamp) }).toMatchObject(
    {
      order_id: order.orderId,
      amount: String(sale.amount).padStart(3, '0'),
      currency: order.currency,
      timestamp: order.micros,
      customer_id: order.customerId,
      product_category: order.productCategory,
    },
  )
})
