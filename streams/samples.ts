import type { Samples } from 'global-sales-pulse/streams'
import { onlySales } from './shop/sale.ts'

/** What the producer makes of a stream alone, beside what the words of its declaration draw. */
export const samples: Readonly<Record<string, Samples>> = { transactions: onlySales }
