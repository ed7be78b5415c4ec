import type { Json } from './json.ts'

/** Grafana's id of the Postgres plugin. */
export const DATASOURCE_TYPE = 'grafana-postgresql-datasource'
/** As provisioned; alert rules name it directly, they know no variables. */
export const DATASOURCE_UID = 'warehouse'
/** For panels and variables: the one that is chosen on the dashboard. */
export const DATASOURCE: Json = { type: DATASOURCE_TYPE, uid: '${datasource}' }

/** The folder of dashboards and alert rules. */
export const FOLDER = 'Global Sales Pulse'
