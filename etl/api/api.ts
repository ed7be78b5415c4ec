import { actionApi } from './actions.ts'
import { alertApi } from './alerts.ts'
import { deadLetterApi } from './dead-letters.ts'
import { jobApi } from './job.ts'
import { describeApi, openApiRoute } from './openapi.ts'
import { partitionApi } from './partitions.ts'
import { replayApi } from './replay.ts'
import type { Console, Server } from '../web/context.ts'
import { downloadRoutes } from './download.ts'

/** What the console does, as JSON for programs; the fields are those of `pulse --json`. */
export async function api(server: Server, console: Console): Promise<void> {
  await describeApi(server)
  openApiRoute(server)
  for (const routes of [jobApi, deadLetterApi, downloadRoutes, actionApi, partitionApi, replayApi, alertApi])
    routes(server, console)
}
