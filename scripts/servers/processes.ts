import { execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { ServerControl } from './types.ts'
import { waitFor } from './wait.ts'
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
function logTail(file: string, lines = 15): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
}

/** Of a server, until it answers. */
export const START_LIMIT_MS = 90_000

interface LocalServer {
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

/** Then the table of processes is read from /proc: slim images lack `ps`. */
const onLinux = process.platform === 'linux'

/**
 * The processes that this one has started; also those that have ended, until it collects them. A process that
 * is gone meanwhile has none.
 */
export function childrenOf(pid: number): number[] {
  if (onLinux) {
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      return children.trim().split(' ').filter(Boolean).map(Number)
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
      throw error
    }
  }
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const rows = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  return rows.flatMap(([child, parent]) => (child !== undefined && parent === pid ? [child] : []))
}

/** Whether it runs; one that has ended and that nobody has collected yet (a zombie) doesn't. */
export function isAlive(pid: number): boolean {
  try {
    if (!onLinux) {
      const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
      return !state.startsWith('Z')
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2] !== 'Z'
  } catch {
    return false
  }
}

/**
 * A port that nobody listens on now, from below the ranges that systems hand out to outgoing connections
 * (32768 on Linux, 49152 elsewhere). One from inside (what listening on port 0 gives) can be taken by any
 * outgoing connection while a killed server is away; and a client that keeps on trying to reach an absent
 * server there will once get it as its own source port and be connected to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(20_000, 32_000)
    if (await isFree(port)) return port
  }
  throw new Error('No free port from 20000 to 32000 on 127.0.0.1')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
