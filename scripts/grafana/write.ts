import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { partOf } from '../../etl/installation.ts'
import { SHIPPED_STREAMS, STREAMS_FOLDER } from '../../etl/process/streams-folder.ts'
import { alertFile } from './alert-file.ts'
import { ALERTS } from './alerts.ts'
import { pipeline } from './pipeline.ts'
import type { Json } from './warehouse.ts'

const dashboards = await partOf<Readonly<Record<string, Json>>>('dashboards', {})

/** Every file under grafana/ that is made from code: its path there, and its text. */
export function grafanaFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries(dashboards).map(
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

/**
 * Writes the dashboards and alert rules that Grafana reads: npm run generate-dashboards. Those of an installation
 * with a folder of its own are written there.
 */
if (import.meta.main) {
  const isOwn = STREAMS_FOLDER.href !== SHIPPED_STREAMS.href
  const folder = isOwn ? new URL('grafana/', STREAMS_FOLDER) : new URL('../../grafana/', import.meta.url)
  for (const [path, text] of grafanaFiles()) {
    const file = new URL(path, folder)
    mkdirSync(new URL('.', file), { recursive: true })
    writeFileSync(file, text)
    console.log(`wrote ${fileURLToPath(file)}`)
  }
}
