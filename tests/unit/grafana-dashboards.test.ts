import { expect, test } from 'vitest'
import { grafanaFiles } from '../../scripts/grafana/write.ts'
import { readDashboards, readText, type DashboardFile } from '../support/grafana-files.ts'
import { dashboardProblems } from '../support/grafana-rules.ts'

test.each([...grafanaFiles()])('grafana/%s is what the code makes', (path, text) => {
  // If not: npm run generate-dashboards
  expect(readText(`grafana/${path}`)).toBe(text)
})

test('the dashboards keep the rules', () => {
  expect(dashboardProblems(readDashboards())).toEqual([])
})

const faults: [fault: string, plant: (pipeline: DashboardFile) => void, problem: string][] = [
  ['a panel id twice', (d) => (d.panels[1]!.id = d.panels[0]!.id), 'occurs twice'],
  ['an overlap', (d) => (d.panels[2]!.gridPos.x -= 1), 'overlap'],
  ['a dead link', (d) => d.links.push({ ...d.links[0]!, url: '/d/gone' }), 'a link to gone'],
  ['no link to the console', (d) => d.links.pop(), 'no link to the console'],
  ['no question', (d) => (d.description = 'Runs.'), 'asks no question'],
  ['no query', (d) => (d.panels.find(({ type }) => type === 'stat')!.targets = []), 'no query'],
]
test.each(faults)('%s would be found', (_, plant, problem) => {
  const dashboards = readDashboards()
  plant(dashboards.find(({ uid }) => uid === 'pulse-pipeline')!)
  expect(dashboardProblems(dashboards).join('\n')).toContain(problem)
})
