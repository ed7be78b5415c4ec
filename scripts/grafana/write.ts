import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { dashboards } from '../../streams/dashboards.ts'
import { alertFile } from './alert-file.ts'
import { ALERTS } from './alerts.ts'
import { pipeline } from './pipeline.ts'
import type { Json } from './warehouse.ts'

/** Every file under grafana/ that is made from code: its path there, and its text. */
export function grafanaFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries<Json>(dashboards).map(
      ([name, dashboard]) => [`dashboards/${name}.json`, dashboardText(dashboard)] as const,
    ),
    ['dashboards/pipeline.json', dashboardText(pipeline)],
    [
      'provisioning/alerting/rules.yaml',
      ALERTS_HEADER + stringify(alertFile(ALERTS), { lineWidth: 110, blockQuote: 'literal' }),
    ],
  ])
}

const ALERTS_HEADER = '# Written by npm run generate-dashboards from scripts/grafana/alerts.ts.\n'

function dashboardText(dashboard: Json): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

/** Writes the dashboards and alert rules that Grafana reads: npm run generate-dashboards */
if (import.meta.main) {
  const folder = new URL('../../grafana/', import.meta.url)
  for (const [path, text] of grafanaFiles()) {
    const file = new URL(path, folder)
    writeFileSync(file, text)
    console.log(`wrote ${fileURLToPath(file)}`)
  }
}
