import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Watchdog } from './watchdog.ts'

export interface Command {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly logFile: string
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Run as this user; only root may. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** What the watchdog sends to end it; Postgres frees its shared memory only on QUIT. */
  readonly endWith?: 'QUIT' | 'KILL'
}

/** A process that leads a group of its own and that the watchdog ends if we don't. */
export interface Running {
  readonly pid: number
  /** Gives the exit code, or null after a signal. Only who waits here keeps our process alive for it. */
  exited(): Promise<number | null>
  isRunning(): boolean
}

/** @throws Error if the program can't be started at all. */
export async function startWatched(watchdog: Watchdog, command: Command): Promise<Running> {
  if (watchdog.hasEnded()) throw new Error(`${command.name} can't be started: its servers were stopped`)
  const log = openSync(command.logFile, 'a', 0o644)
  const child = spawn(command.file, command.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...command.env },
    ...(command.cwd !== undefined && { cwd: command.cwd }),
    ...command.user,
  })
  closeSync(log)
  const { pid } = child
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error]
    throw new Error(`${command.name} could not be started: ${error.message}`, { cause: error })
  }
  watchdog.watchProcess(pid, command.endWith ?? 'KILL')
  child.unref()
  let running = true
  const exited = once(child, 'exit').then(([code]: unknown[]) => {
    running = false
    watchdog.forgetProcess(pid)
    return code as number | null
  })
  const keepAlive = () => {
    if (running) child.ref()
    return exited
  }
  return { pid, exited: keepAlive, isRunning: () => running }
}

/** Runs a tool to its end. @throws Error with the end of its output if it fails. */
export async function runWatched(watchdog: Watchdog, command: Command): Promise<void> {
  const tool = await startWatched(watchdog, command)
  const code = await tool.exited()
  if (code !== 0) throw new Error(`${command.name} failed (exit ${code}):\n${logTail(command.logFile)}`)
}

/** The last lines that a server or tool wrote: they go before its directory goes. */
export function logTail(file: string, lines = 15): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
}
