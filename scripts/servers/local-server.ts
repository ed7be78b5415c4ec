import type { ServerControl } from './types.ts'
import { waitFor } from './wait-for.ts'
import { logTail, startWatched, type Command, type Running } from './watched-process.ts'
import type { Watchdog } from './watchdog.ts'

const START_LIMIT_MS = 90_000

export interface LocalServer {
  readonly command: Command
  readonly answers: () => Promise<string | boolean | undefined>
  /** Both only send signals; the end of the main process is waited for here. */
  readonly stop: (pid: number) => void
  readonly kill: (pid: number) => void | Promise<void>
}

/** Starts and ends one server process; a start resolves when the server answers, an end when it is gone. */
export function localServer(watchdog: Watchdog, server: LocalServer): Required<ServerControl> {
  const { command } = server
  let process: Running | undefined

  const end = async (signal: LocalServer['kill']) => {
    if (process?.isRunning() !== true) return
    await signal(process.pid)
    await process.exited()
  }
  return {
    stop: () => end(server.stop),
    kill: () => end(server.kill),
    pid() {
      if (process?.isRunning() !== true) throw new Error(`${command.name} is not running`)
      return process.pid
    },
    async start() {
      if (process?.isRunning() === true) return
      const started = await startWatched(watchdog, command)
      process = started
      const answers = () => {
        if (started.isRunning()) return server.answers()
        throw new Error(`${command.name} ended at start:\n${logTail(command.logFile)}`)
      }
      await waitFor(`${command.name} to answer`, answers, { limitMs: START_LIMIT_MS, everyMs: 25 })
    },
  }
}
