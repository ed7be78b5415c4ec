import { currencyVariable } from './currencies.ts'
import { dashboard } from './dashboard.ts'
import { heading, text } from './panels.ts'
import * as charts from './sales-charts.ts'
import * as stats from './sales-stats.ts'
import * as tables from './sales-tables.ts'

export const SALES_PULSE_UID = 'pulse-sales'

export const salesPulse = dashboard({
  uid: SALES_PULSE_UID,
  title: 'Sales Pulse',
  description: 'How are sales going, and is somebody cheating?',
  from: 'now-24h',
  neighbour: { uid: 'pulse-pipeline', title: 'Pipeline' },
  variables: [currencyVariable],
  lines: [
    [
      text({
        id: 1,
        title: 'About this dashboard',
        description: 'What is this page for, and where to go from here?',
        size: [24, 2],
        content:
          'Sales as loaded into the warehouse, by the time of the sale (UTC); a sale shows up within a minute. ' +
          'Counts are over all chosen currencies, **money is never added over currencies**. ' +
          'Late or missing? See the Pipeline dashboard (link above).',
      }),
    ],
    [stats.transactions24h, stats.perMinute, stats.fraudRate, stats.flagged],
    [charts.transactionsOverTime, charts.fraudRateOverTime],
    [heading(8, 'Money, a row or line for each currency')],
    [tables.byCurrency, charts.revenueOverTime],
    [heading(11, 'Revenue by category, a chart for each currency')],
    [charts.revenueByCategory],
    [heading(13, 'Transactions')],
    [tables.recent],
    [tables.flaggedTransactions],
  ],
})
