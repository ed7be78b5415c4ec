import {
  OF_CURRENCY,
  OF_MONEY,
  OF_UUID,
  ofEventTime,
  ofText,
  type FieldTraps,
} from '../../../../tests/hostile/field-traps.ts'
import { trapsOf } from '../../../../tests/hostile/traps.ts'

/** Of one field: JSON texts by what becomes of a message that has them there. */
const FIELDS: Readonly<Record<string, FieldTraps>> = {
  amount: OF_MONEY,
  order_id: OF_UUID,
  currency: OF_CURRENCY,
  timestamp: ofEventTime(1_095),
  customer_id: ofText(50),
  product_category: ofText(50),
}

export const TRAPS = trapsOf(FIELDS, { field: 'amount', good: '7', bad: '-5', text: 'customer_id' })
