import type { Rules, Verdict } from '../../../../tests/hostile/contract.ts'
import {
  instant,
  isInTime,
  isRead,
  money,
  objectIn,
  oneOf,
  text,
  whole,
} from '../../../../tests/hostile/readings.ts'

/** A version of a product as docs/streams/products.md says that the warehouse has it. */
export interface Product {
  readonly productId: string
  readonly version: number
  readonly name: string
  readonly category: string
  /** Hundredths. */
  readonly price: bigint
  readonly status: string
  /** Microseconds since 1970. */
  readonly micros: bigint
}

/** What must become of a record by its bytes alone: that page as a second one reads it. */
export function judge(value: Buffer | null, kafkaMs: number): Verdict<Product> {
  const said = objectIn(value)
  if (typeof said === 'string') return { code: said }
  const product = {
    productId: text(20)(said['product_id']),
    version: whole(0, Number.MAX_SAFE_INTEGER)(said['version']),
    name: text(200)(said['name']),
    category: text(50)(said['category']),
    price: money(said['price']),
    status: oneOf('active', 'discontinued')(said['status']),
    micros: instant(said['timestamp']),
  }
  if (!isRead(product)) return { code: 'schema_violation' }
  return isInTime(product.micros, kafkaMs, 1_095) ? { fact: product } : { code: 'timestamp_out_of_range' }
}

/** The highest version of a product_id counts, whatever came when. */
export const rules: Rules<Product> = {
  identityOf: ({ productId, version }) => `${version} ${productId}`,
  versions: {
    keyOf: ({ productId }) => productId,
    versionOf: ({ version }) => version,
    isDeletion: () => false,
  },
}
