import { customers } from './customers/customers.ts'
import { products } from './products/products.ts'
import { sales } from './sales/sales.ts'
import { siteEvents } from './site-events/site-events.ts'
import { transactions } from './transactions/transactions.ts'

/** The record types that this installation loads: a line for each. Settings without a stream's name are the first's. */
export const streams = [transactions, sales, siteEvents, products, customers]
