import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** What of Grafana's files the tests look at. */
export interface DashboardFile {
  uid: string
  title: string
  description: string
  schemaVersion: number
  editable: boolean
  timezone: string
  refresh: string
  time: { from: string; to: string }
  timepicker: { refresh_intervals: string[] }
  links: { type: string; title: string; url: string }[]
  templating: { list: VariableFile[] }
  panels: PanelFile[]
}

export interface VariableFile {
  type: string
  name: string
  label: string
  query: string
  refresh: number
  multi: boolean
  datasource?: DatasourceRef
}

export interface DatasourceRef {
  type: string
  uid: string
}

export interface PanelFile {
  id: number
  type: string
  title: string
  description: string
  gridPos: { x: number; y: number; w: number; h: number }
  repeat?: string
  datasource?: DatasourceRef
  targets?: { refId: string; datasource: DatasourceRef; format: string; rawSql: string }[]
  fieldConfig?: {
    defaults: {
      unit?: string
      noValue?: string
      thresholds?: { steps: { color: string; value: number | null }[] }
    }
    overrides: {
      matcher: { id: string; options: string }
      properties: { id: string; value: unknown }[]
    }[]
  }
}

export interface AlertFile {
  uid: string
  title: string
  condition: string
  for: string
  keepFiringFor: string
  noDataState: string
  execErrState: string
  dashboardUid: string
  panelId: number
  labels: Record<string, string>
  annotations: Record<string, string>
  data: {
    refId: string
    datasourceUid: string
    relativeTimeRange: { from: number; to: number }
    model: {
      format?: string
      rawSql?: string
      type?: string
      expression?: string
      conditions?: {
        evaluator: { type: string; params: number[] }
        unloadEvaluator?: { type: string; params: number[] }
      }[]
    }
  }[]
}

export interface AlertGroupFile {
  name: string
  folder: string
  interval: string
  rules: AlertFile[]
}

const ROOT = new URL('../../', import.meta.url)

/** @param path from the repository's root. */
export function readText(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

export function readDashboards(): DashboardFile[] {
  return readdirSync(new URL('grafana/dashboards/', ROOT))
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readText(`grafana/dashboards/${name}`)) as DashboardFile)
}

export function readProvisioning(path: string): unknown {
  return parse(readText(`grafana/provisioning/${path}`))
}

export function readAlertGroups(): AlertGroupFile[] {
  return (readProvisioning('alerting/rules.yaml') as { groups: AlertGroupFile[] }).groups
}
