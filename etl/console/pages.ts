import { downloadRoutes } from '../api/dead-letters.ts'
import type { Console, Server } from '../web/context.ts'
import { actionRoutes } from './actions/action.ts'
import { lossRoutes } from './actions/partitions.ts'
import { replayRoutes } from './actions/replay.ts'
import { partitionRoutes, takeOverRoutes } from './actions/steer.ts'
import { switchboard } from './actions/switchboard.ts'
import { alertPages } from './alerts.ts'
import { actRoutes } from './dead-letters/act.ts'
import { editRoutes } from './dead-letters/edit.ts'
import { letterPage } from './dead-letters/letter.ts'
import { listPage } from './dead-letters/list.ts'
import { overviewPage } from './overview/page.ts'
import { runsPage } from './runs/list.ts'
import { runPage } from './runs/run.ts'

/** All pages for somebody who is logged in, in the menu's order. */
export function consolePages(server: Server, console: Console): void {
  for (const pages of [
    [overviewPage],
    [runsPage, runPage],
    // What was refused: see it, correct it, send it again or let it go.
    [listPage, actRoutes, letterPage, downloadRoutes, editRoutes],
    ...console.pages.map(({ routes }) => routes),
    // What operators can do to the job, and the record of what they did.
    [switchboard, partitionRoutes, takeOverRoutes, lossRoutes, replayRoutes, actionRoutes],
    [alertPages],
  ].flat())
    pages(server, console)
}
