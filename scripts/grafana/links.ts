/** Addresses that the dashboards and alerts point to. After a change: npm run generate-dashboards */

/** The operator console (HTTP_PORT of the ETL), as the reader of a dashboard reaches it. */
export const CONSOLE_URL = 'http://127.0.0.1:8080'

/**
 * The page with a section for each alert. Grafana fills no environment variable into an annotation, so an
 * address of your own (https://…/OPERATIONS.md), which Grafana then shows as a link, is written here.
 */
export const RUNBOOK = 'docs/OPERATIONS.md'
