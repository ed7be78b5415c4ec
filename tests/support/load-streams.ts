import { pathToFileURL } from 'node:url'
import { loadPart, loadStreams } from '../../etl/load-streams.ts'

/** What becomes of each folder that is named, as JSON: the names of its streams and pages, or what is said. */
const outcomes: Record<string, unknown> = {}
for (const folder of process.argv.slice(2)) {
  const url = pathToFileURL(`${folder}/`)
  try {
    const names = (await loadStreams(url)).map(({ name }) => name)
    outcomes[folder] = {
      names,
      pages: await loadPart(url, 'pages', []),
      alerts: await loadPart(url, 'alerts', []),
    }
  } catch (error) {
    outcomes[folder] = `${(error as Error).name}: ${(error as Error).message}`
  }
}
process.stdout.write(`${JSON.stringify(outcomes)}\n`)
