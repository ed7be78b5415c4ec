import { expect, test } from 'vitest'
import { validateRecord } from '../../etl/job/validate.ts'
import { createRandom } from '../../producer/random.ts'
import { KAFKA_MS, validFields } from '../hostile/message.ts'
import { judge } from '../hostile/oracle.ts'
import { TRAPS } from '../hostile/traps.ts'
import { aRecord } from '../support/a-transaction.ts'

/** What was written down by hand, what a second reading of the contract says, and what the product does. */
test.each(TRAPS.map((trap) => [trap.name, trap.expected, trap] as const))('%s: %s', (_, expected, trap) => {
  const { kafkaMs = KAFKA_MS } = trap
  const value = trap.value(validFields(createRandom(1), KAFKA_MS))

  const verdict = judge(value, kafkaMs)
  const outcome = validateRecord(aRecord({ value, timestamp: kafkaMs }), { maxAgeDays: 1_095 })

  expect('code' in verdict ? verdict.code : 'loaded').toBe(expected)
  expect('code' in outcome ? outcome.code : 'loaded').toBe(expected)
  if (!('order' in verdict) || !('transaction' in outcome)) return
  const { transaction } = outcome
  expect({
    ...transaction,
    amountCents: verdict.order.amount.replace('.', ''),
    timestampMicros: BigInt(transaction.timestampMicros),
  }).toEqual({
    orderId: verdict.order.orderId,
    amountCents: String(transaction.amountCents).padStart(3, '0'),
    currency: verdict.order.currency,
    timestampMicros: verdict.order.micros,
    customerId: verdict.order.customerId,
    productCategory: verdict.order.productCategory,
  })
})
