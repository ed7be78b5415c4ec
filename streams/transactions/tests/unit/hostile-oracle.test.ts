import { expect, test } from 'vitest'
import { createRandom } from '../../../../producer/random.ts'
import { KAFKA_MS } from '../../../../tests/hostile/message.ts'
import { validFields } from '../hostile/message.ts'
import { judge } from '../hostile/oracle.ts'
import { TRAPS } from '../hostile/traps.ts'
import { aRecord, stream, type Sale } from '../support/a-transaction.ts'

/** What the oracle reads and what the product reads, value by value. */
const LOADED = TRAPS.filter(({ expected }) => expected === 'loaded')
test.each(LOADED.map((trap) => [trap.name, trap] as const))('%s', (_, trap) => {
  const { kafkaMs = KAFKA_MS } = trap
  const value = trap.value(validFields(createRandom(1), KAFKA_MS))
  const verdict = judge(value, kafkaMs)
  const outcome = stream.validate(aRecord({ value, timestamp: kafkaMs }), 1_095)
  if (!('order' in verdict) || !('row' in outcome)) throw new Error('not loaded')
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
