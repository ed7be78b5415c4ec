import type { Console, Server } from '../../web/console.ts'
import { actionRoutes } from './actions/action.ts'
import { lossRoutes } from './actions/losses.ts'
import { partitionRoutes } from './actions/partitions.ts'
import { replayRoutes } from './actions/replay.ts'
import { switchboard } from './actions/switchboard.ts'
import { takeOverRoutes } from './actions/take-over.ts'

/** What operators can do to the job, and the record of what they did. */
export function actionPages(server: Server, console: Console): void {
  for (const routes of [switchboard, partitionRoutes, takeOverRoutes, lossRoutes, replayRoutes, actionRoutes])
    routes(server, console)
}
