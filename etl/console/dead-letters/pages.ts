import type { Console, Server } from '../../web/context.ts'
import { actRoutes } from './act.ts'
import { downloadRoutes } from '../../api/download.ts'
import { editRoutes } from './edit.ts'
import { letterPage } from './letter.ts'
import { listPage } from './list.ts'

/** What was refused: see it, correct it, send it again or let it go. */
export function deadLetterPages(server: Server, console: Console): void {
  for (const routes of [listPage, actRoutes, letterPage, downloadRoutes, editRoutes]) routes(server, console)
}
