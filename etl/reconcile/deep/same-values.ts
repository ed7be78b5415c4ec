import { createHash } from 'node:crypto'
import { centsToDecimal } from '../../stream/money.ts'
import type { Transaction } from '../../stream/types.ts'
import type { SourceRecord } from '../../kafka/record.ts'

const SHOWN: { readonly [Field in keyof Transaction]: [name: string, show: (value: Transaction) => string] } =
  {
    orderId: ['order_id', ({ orderId }) => orderId],
    amountCents: ['amount', ({ amountCents }) => centsToDecimal(amountCents)],
    currency: ['currency', ({ currency }) => currency],
    timestampMicros: ['timestamp', ({ timestampMicros }) => new Date(timestampMicros / 1_000).toISOString()],
    customerId: ['customer_id', ({ customerId }) => JSON.stringify(customerId)],
    productCategory: ['product_category', ({ productCategory }) => JSON.stringify(productCategory)],
  }

/** Where the contract values of what is stored differ from the record's, as sentences; none if they are equal. */
export function differences(stored: Transaction, record: Transaction): string[] {
  return (Object.keys(SHOWN) as (keyof Transaction)[])
    .filter((field) => stored[field] !== record[field])
    .map((field) => {
      const [name, show] = SHOWN[field]
      return `${name} is ${show(stored)}, by the record ${show(record)}`
    })
}

/** SHA-256 of a key and a value; null stays null. */
export interface Hashes {
  readonly key_hash: string | null
  readonly value_hash: string | null
}

/** Which of key and value are stored with other bytes than the record's. */
export function differingBytes(stored: Hashes, { key, value }: SourceRecord): string[] {
  return [
    ...(stored.key_hash === sha256(key) ? [] : ['key']),
    ...(stored.value_hash === sha256(value) ? [] : ['value']),
  ]
}

const sha256 = (bytes: Buffer | null): string | null =>
  bytes === null ? null : createHash('sha256').update(bytes).digest('hex')
