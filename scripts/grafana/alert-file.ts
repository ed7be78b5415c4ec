import { DATASOURCE_TYPE, DATASOURCE_UID, FOLDER, unindented, type Json } from './warehouse.ts'
import { RUNBOOK } from './settings.ts'

export interface Alert {
  readonly title: string
  /** Critical wakes somebody now; a warning is for the working day. */
  readonly severity: 'critical' | 'warning'
  readonly owner: string
  readonly scope: 'pipeline' | 'sales'
  /** A sentence that never changes, for the subject line. */
  readonly summary: string
  /** May use Grafana's templates: `$values.A.Value`, `$labels.partition`. */
  readonly description: string
  readonly panel: readonly [dashboard: string, id: number]
  /** Exactly one number column; text columns become labels, one alert for each row. */
  readonly sql: string
  /** Seconds before now that the query looks at. */
  readonly range: number
  readonly above: number
  /** Ends only below this, so that a value on the edge doesn't fire over and over. */
  readonly recovered?: number
  /** How long it must hold; a multiple of the 30 seconds between evaluations. */
  readonly pending: string
  readonly keepFiringFor: string
  /** No row at all. */
  readonly noData: 'OK' | 'Alerting'
  /** The query failed. */
  readonly queryFailed: 'Alerting' | 'KeepLast'
}

/** No row is good news, and that the warehouse is out of reach is said by one alert: the others stay as they were. */
export const QUIET = { noData: 'OK', queryFailed: 'KeepLast' } as const satisfies Partial<Alert>

/** The file that Grafana provisions alert rules from. */
export function alertFile(alerts: readonly Alert[]): Json {
  return {
    apiVersion: 1,
    groups: [
      { orgId: 1, name: 'global-sales-pulse', folder: FOLDER, interval: '30s', rules: alerts.map(toRule) },
    ],
  }
}

function toRule(alert: Alert): Json {
  const [dashboardUid, panelId] = alert.panel
  return {
    uid: slug(alert.title),
    title: alert.title,
    condition: 'B',
    for: alert.pending,
    keepFiringFor: alert.keepFiringFor,
    noDataState: alert.noData,
    execErrState: alert.queryFailed,
    // A row that is gone, as of a partition that was let go on, is over at the next evaluation.
    missing_series_evals_to_resolve: 1,
    dashboardUid,
    panelId,
    labels: {
      severity: alert.severity,
      service: 'global-sales-pulse',
      owner: alert.owner,
      scope: alert.scope,
    },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      runbook_url: `${RUNBOOK}#${alert.title.toLowerCase()}`,
    },
    data: [query(alert), threshold(alert)],
  }
}

function query({ sql, range }: Alert): Json {
  return {
    refId: 'A',
    relativeTimeRange: { from: range, to: 0 },
    datasourceUid: DATASOURCE_UID,
    model: {
      refId: 'A',
      datasource: { type: DATASOURCE_TYPE, uid: DATASOURCE_UID },
      format: 'table',
      editorMode: 'code',
      rawQuery: true,
      rawSql: unindented(sql),
      intervalMs: 30_000,
      maxDataPoints: 1_000,
    },
  }
}

function threshold({ above, recovered }: Alert): Json {
  return {
    refId: 'B',
    relativeTimeRange: { from: 0, to: 0 },
    datasourceUid: '__expr__',
    model: {
      refId: 'B',
      datasource: { type: '__expr__', uid: '__expr__' },
      type: 'threshold',
      expression: 'A',
      conditions: [
        {
          evaluator: { type: 'gt', params: [above] },
          ...(recovered === undefined ? {} : { unloadEvaluator: { type: 'lt', params: [recovered] } }),
        },
      ],
    },
  }
}

/** PulseDataLoss → pulse-data-loss. */
function slug(title: string): string {
  return title.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
}
