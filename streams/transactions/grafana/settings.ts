/** What panels colour and the alert fires at: one number for both. After a change: npm run generate-dashboards */

/** Share of transactions that a fraud rule flagged. The synthetic shop has 0.02 to 0.03. */
export const FRAUD_RATE = { watch: 0.05, alarm: 0.1, recovered: 0.08 } as const
/** Fewer transactions than this in the alert's half hour prove nothing. */
export const FRAUD_MIN_TRANSACTIONS = 50
