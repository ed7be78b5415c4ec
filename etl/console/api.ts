import { actionApi } from './api/actions.ts'
import { alertApi } from './api/alerts.ts'
import { deadLetterApi } from './api/dead-letters.ts'
import { jobApi } from './api/job.ts'
import { describeApi, openApiRoute } from './api/openapi.ts'
import { partitionApi } from './api/partitions.ts'
import { replayApi } from './api/replay.ts'
import type { Console, Server } from './console.ts'
import { downloadRoutes } from './pages/dead-letters/download.ts'

/** What the console does, as JSON for programs; the fields are those of `pulse --json`. */
export async function api(server: Server, console: Console): Promise<void> {
  await describeApi(server)
  openApiRoute(server)
  for (const routes of [jobApi, deadLetterApi, downloadRoutes, actionApi, partitionApi, replayApi, alertApi])
    routes(server, console)
}
