import { fraudRateHigh, salesPulse } from './transactions/grafana/sales-pulse.ts'

/** What the streams bring to Grafana: a file for each dashboard, and alerts. After a change: npm run generate-dashboards */
export const dashboards = { 'sales-pulse': salesPulse }
export const alerts = [fraudRateHigh]
