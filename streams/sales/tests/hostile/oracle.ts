import type { Rules, Verdict } from '../../../../tests/hostile/contract.ts'
import { isCurrencyCode } from '../../../../tests/hostile/iso-4217.ts'
import {
  instant,
  isInTime,
  isRead,
  money,
  objectIn,
  oneOf,
  text,
  uuid,
  whole,
} from '../../../../tests/hostile/readings.ts'

/** A version of a sale as docs/streams/sales.md says that the warehouse has it. */
export interface Sale {
  readonly transactionId: string
  readonly version: number
  readonly customerId: string
  readonly productId: string
  readonly quantity: number
  /** Hundredths, as the amount. */
  readonly unitPrice: bigint
  readonly amount: bigint
  readonly currency: string
  readonly paymentMethod: string
  readonly status: string
  /** Microseconds since 1970. */
  readonly micros: bigint
}

/** What must become of a record by its bytes alone: that page as a second one reads it. */
export function judge(value: Buffer | null, kafkaMs: number): Verdict<Sale> {
  const said = objectIn(value)
  if (typeof said === 'string') return { code: said }
  const currency = text(3)(said['currency'])
  const sale = {
    transactionId: uuid(said['transaction_id']),
    version: whole(1, Number.MAX_SAFE_INTEGER)(said['version']),
    customerId: text(50)(said['customer_id']),
    productId: text(20)(said['product_id']),
    quantity: whole(1, 1_000)(said['quantity']),
    unitPrice: money(said['unit_price']),
    amount: money(said['amount']),
    currency: currency !== undefined && isCurrencyCode(currency) ? currency : undefined,
    paymentMethod: oneOf('card', 'paypal', 'bank_transfer', 'voucher')(said['payment_method']),
    status: oneOf('pending', 'completed', 'failed', 'refunded')(said['status']),
    micros: instant(said['timestamp']),
  }
  if (!isRead(sale)) return { code: 'schema_violation' }
  return isInTime(sale.micros, kafkaMs, 1_095) ? { fact: sale } : { code: 'timestamp_out_of_range' }
}

/** The highest version of a transaction_id counts, whatever came when; sales_by_day sums those, by the day in UTC. */
export const rules: Rules<Sale> = {
  identityOf: ({ transactionId, version }) => `${transactionId} ${version}`,
  versions: {
    keyOf: ({ transactionId }) => transactionId,
    versionOf: ({ version }) => version,
    isDeletion: () => false,
  },
  sums: [
    {
      table: 'sales_by_day',
      cell: `concat_ws(' ', to_char(day at time zone 'UTC', 'YYYY-MM-DD'), currency, status)`,
      cellOf: ({ micros, currency, status }) =>
        [new Date(Number(micros / 1_000n)).toISOString().slice(0, 10), currency, status].join(' '),
      measures: ['sum(sales)', 'sum(quantity)', 'sum(amount) * 100'],
      sharesOf: ({ quantity, amount }) => [1n, BigInt(quantity), amount],
    },
  ],
}
