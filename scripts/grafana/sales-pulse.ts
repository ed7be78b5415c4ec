import { dashboard } from './dashboard.ts'
import { heading, text } from './panels.ts'
import * as panels from './sales-panels.ts'

export const SALES_PULSE_UID = 'pulse-sales'

export const salesPulse = dashboard({
  uid: SALES_PULSE_UID,
  title: 'Sales Pulse',
  description: 'How are sales going, and is somebody cheating?',
  from: 'now-24h',
  neighbour: { uid: 'pulse-pipeline', title: 'Pipeline' },
  variables: [panels.currencyVariable],
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
    [panels.transactions24h, panels.perMinute, panels.fraudRate, panels.flagged],
    [panels.transactionsOverTime, panels.fraudRateOverTime],
    [heading(8, 'Money, a row or line for each currency')],
    [panels.byCurrency, panels.revenueOverTime],
    [heading(11, 'Revenue by category, a chart for each currency')],
    [panels.revenueByCategory],
    [heading(13, 'Transactions')],
    [panels.recent],
    [panels.flaggedTransactions],
  ],
})
