/**
 * What somebody who runs this may set. After a change: npm run generate-dashboards
 *
 * First what panels colour and alerts fire at: one number for both.
 */

/** Seconds since a run last succeeded; the job ticks every 30. */
export const SUCCESS_SECONDS = { watch: 90, alarm: 180 } as const

/** Seconds that a record waited in Kafka until it was loaded. */
export const FRESHNESS_SECONDS = { watch: 45, alarm: 60, recovered: 45 } as const

/** Share of the records consumed that became dead letters. */
export const DEAD_LETTER_SHARE = { watch: 0.01, alarm: 0.05, recovered: 0.03 } as const
/** Fewer records than this in the alert's ten minutes prove nothing. */
export const DEAD_LETTER_MIN_RECORDS = 20

/** The operator console (HTTP_PORT of the ETL), as the reader of a dashboard reaches it. */
export const CONSOLE_URL = 'http://127.0.0.1:8080'

/**
 * The page with a section for each alert. Grafana fills no environment variable into an annotation, so an
 * address of your own (https://…/OPERATIONS.md), which Grafana then shows as a link, is written here.
 */
export const RUNBOOK = 'docs/OPERATIONS.md'
