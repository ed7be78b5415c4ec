import type { Console, Server } from '../../web/context.ts'
import { actionRoutes } from './action.ts'
import { lossRoutes } from './losses.ts'
import { partitionRoutes } from './partitions.ts'
import { replayRoutes } from './replay.ts'
import { switchboard } from './switchboard.ts'
import { takeOverRoutes } from './take-over.ts'

/** What operators can do to the job, and the record of what they did. */
export function actionPages(server: Server, console: Console): void {
  for (const routes of [switchboard, partitionRoutes, takeOverRoutes, lossRoutes, replayRoutes, actionRoutes])
    routes(server, console)
}
