import type { Console, Server } from '../../web/console.ts'
import { actRoutes } from './dead-letters/act.ts'
import { downloadRoutes } from '../../api/download.ts'
import { editRoutes } from './dead-letters/edit.ts'
import { letterPage } from './dead-letters/letter.ts'
import { listPage } from './dead-letters/list.ts'

/** What was refused: see it, correct it, send it again or let it go. */
export function deadLetterPages(server: Server, console: Console): void {
  for (const routes of [listPage, actRoutes, letterPage, downloadRoutes, editRoutes]) routes(server, console)
}
