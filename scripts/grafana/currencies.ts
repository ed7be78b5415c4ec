import { queryVariable } from './dashboard.ts'
import { sql } from './json.ts'

/** The choice of currencies at the top of a dashboard. */
export const currencyVariable = queryVariable({
  name: 'currency',
  label: 'Currency',
  description: 'Amounts of different currencies are never added up',
  sql: sql(`
    select distinct currency from warehouse.sales_by_minute
    where $__timeFilter(minute)
    order by currency
  `),
})

/**
 * The chosen ones, as a condition. An array, so that a warehouse without any still gives valid SQL.
 * Counts may be added over them; money never is.
 */
export const CHOSEN = 'currency = any(array[${currency:sqlstring}]::text[])'
