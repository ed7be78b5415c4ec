import { tablesOf, warehouse } from '../etl/stream/tables.ts'
import { transactions as declared } from './transactions/transactions.ts'

/** The tables of all streams, each an export of its own: drizzle-kit sees no others. */
export { warehouse }
const tables = tablesOf(declared)
export const transactions = tables.facts
export const orderKeys = tables.keys!
export const salesByMinute = tables.rollups['sales_by_minute']!
