import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { grafanaFiles } from './files.ts'

/** Writes the dashboards and alert rules that Grafana reads: npm run generate-dashboards */
const folder = new URL('../../grafana/', import.meta.url)
for (const [path, text] of grafanaFiles()) {
  const file = new URL(path, folder)
  writeFileSync(file, text)
  console.log(`wrote ${fileURLToPath(file)}`)
}
