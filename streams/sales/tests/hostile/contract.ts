import type { Random } from '../../../../producer/random.ts'
import { versionsOf } from '../../../../tests/hostile/again.ts'
import type { Contract } from '../../../../tests/hostile/contract.ts'
import {
  OF_CURRENCY,
  OF_MONEY,
  OF_UUID,
  ofEventTime,
  ofText,
  ofWhole,
  ofWords,
} from '../../../../tests/hostile/field-traps.ts'
import { aUuid, quoted, rfc3339, type Fields } from '../../../../tests/hostile/message.ts'
import { decimal } from '../../../../tests/hostile/readings.ts'
import { trapsOf } from '../../../../tests/hostile/traps.ts'
import { judge, rules, type Sale } from './oracle.ts'

const METHODS = ['card', 'paypal', 'bank_transfer', 'voucher']
const STATUSES = ['pending', 'completed', 'failed', 'refunded']
const CURRENCIES = ['EUR', 'USD', 'JPY', 'KWD', 'XAU']

/** A version in the middle, so that older and newer ones can come. */
function validFields(random: Random, kafkaMs: number): Fields {
  const micros = BigInt(kafkaMs) * 1_000n - BigInt(random.between(0, 3_600_000_000))
  const quantity = random.between(1, 1_000)
  const unitPrice = random.between(1, 300_000)
  return {
    transaction_id: quoted(aUuid(random)),
    version: String(random.between(1, 9)),
    customer_id: quoted(`customer-${random.between(1, 999)}`),
    product_id: quoted(`p-${random.between(1, 99)}`),
    quantity: String(quantity),
    unit_price: (unitPrice / 100).toFixed(2),
    amount: ((quantity * unitPrice) / 100).toFixed(2),
    currency: quoted(random.pick(CURRENCIES)),
    payment_method: quoted(random.pick(METHODS)),
    status: quoted(random.pick(STATUSES)),
    timestamp: quoted(rfc3339(micros)),
  }
}

function again(sale: Sale, random: Random): { name: string; value: Buffer } {
  const timestamp = rfc3339(sale.micros)
  const fields: Fields = {
    transaction_id: quoted(sale.transactionId),
    version: String(sale.version),
    customer_id: quoted(sale.customerId),
    product_id: quoted(sale.productId),
    quantity: String(sale.quantity),
    unit_price: decimal(sale.unitPrice),
    amount: decimal(sale.amount),
    currency: quoted(sale.currency),
    payment_method: quoted(sale.paymentMethod),
    status: quoted(sale.status),
    timestamp: quoted(timestamp),
  }
  const same = {
    'in the same words': {},
    'in upper case': { transaction_id: quoted(sale.transactionId.toUpperCase()) },
    'with more digits': { amount: `${decimal(sale.amount)}0`, version: `${sale.version}.0` },
    'in another zone': { timestamp: quoted(timestamp.replace('Z', '9+00:00')) },
  }
  const others = {
    'with another amount': { amount: sale.amount === 100n ? '2' : '1' },
    'with another quantity': { quantity: sale.quantity === 1 ? '2' : '1' },
    'of another status': { status: quoted(STATUSES.find((one) => one !== sale.status)!) },
    'paid otherwise': { payment_method: quoted(METHODS.find((one) => one !== sale.paymentMethod)!) },
    'in another currency': { currency: sale.currency === 'EUR' ? '"USD"' : '"EUR"' },
    'a day before': { timestamp: quoted(rfc3339(sale.micros - 86_400_000_000n)) },
    'a microsecond later': { timestamp: quoted(rfc3339(sale.micros + 1n)) },
  }
  return versionsOf({ fields, version: sale.version, first: 1 }, { same, others }, random)
}

const FIELDS = {
  transaction_id: OF_UUID,
  version: ofWhole(1, Number.MAX_SAFE_INTEGER),
  customer_id: ofText(50),
  product_id: ofText(20),
  quantity: ofWhole(1, 1_000),
  unit_price: OF_MONEY,
  amount: OF_MONEY,
  currency: OF_CURRENCY,
  payment_method: ofWords(...METHODS),
  status: ofWords(...STATUSES),
  timestamp: ofEventTime(1_095),
}

export const contract: Contract<Sale> = {
  ...rules,
  validFields,
  judge,
  traps: trapsOf(FIELDS, { field: 'amount', good: '7', bad: '-5', text: 'customer_id' }),
  again,
  stored: `jsonb_build_array(t.transaction_id, t.version::text, t.customer_id, t.product_id, t.quantity,
    t.unit_price::text, t.amount::text, t.currency, t.payment_method, t.status,
    (extract(epoch from t.changed_at) * 1000000)::int8::text, t.deleted_at)::text`,
  shown: (sale) =>
    JSON.stringify([
      sale.transactionId,
      String(sale.version),
      sale.customerId,
      sale.productId,
      sale.quantity,
      decimal(sale.unitPrice),
      decimal(sale.amount),
      sale.currency,
      sale.paymentMethod,
      sale.status,
      String(sale.micros),
      null,
    ]),
}
