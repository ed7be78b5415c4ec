import { QUIET, type Alert } from '../../../scripts/grafana/alert-file.ts'
import { dashboard } from '../../../scripts/grafana/dashboard.ts'
import { about, heading } from '../../../scripts/grafana/panels.ts'
import * as panels from './panels.ts'
import { FRAUD_MIN_TRANSACTIONS, FRAUD_RATE } from './settings.ts'

const SALES_PULSE_UID = 'pulse-sales'

export const salesPulse = dashboard({
  uid: SALES_PULSE_UID,
  title: 'Sales Pulse',
  description: 'How are sales going, and is somebody cheating?',
  from: 'now-24h',
  neighbours: [{ uid: 'pulse-pipeline', title: 'Pipeline' }],
  variables: [panels.currencyVariable],
  lines: [
    [
      about(
        'What is this page for, and where to go from here?',
        'Sales as loaded into the warehouse, by the time of the sale (UTC); a sale shows up within a minute. ' +
          'Counts are over all chosen currencies, **money is never added over currencies**. ' +
          'Late or missing? See the Pipeline dashboard (link above).',
      ),
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

export const fraudRateHigh: Alert = {
  ...QUIET,
  title: 'PulseFraudRateHigh',
  severity: 'warning',
  owner: 'fraud',
  scope: 'sales',
  summary: 'More than 10 % of the transactions are flagged as fraud',
  description:
    '{{ humanizePercentage $values.A.Value }} of the transactions of the last half hour were flagged.',
  panel: [SALES_PULSE_UID, panels.fraudRateOverTime.id],
  sql: `
    select sum(flagged) / sum(transactions) as fraud_rate
    from warehouse.sales_by_minute
    where $__timeFilter(minute)
    having sum(transactions) >= ${FRAUD_MIN_TRANSACTIONS}
  `,
  range: 1_800,
  above: FRAUD_RATE.alarm,
  recovered: FRAUD_RATE.recovered,
  pending: '2m',
  keepFiringFor: '5m',
}
