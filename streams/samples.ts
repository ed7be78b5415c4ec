import type { Samples } from 'global-sales-pulse/streams'
import { openShop } from './transactions/samples.ts'

/** What the producer makes of a stream, beside what the words of its declaration draw. */
export const samples: Readonly<Record<string, Samples>> = { transactions: openShop }
