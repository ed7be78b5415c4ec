import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { within } from '../servers/wait.ts'
import type { Watchdog } from '../servers/watchdog.ts'
import { oneLine, readLogLine, timeOfDay, WARN, type LogLine } from './screen.ts'

/** Compose and Kubernetes wait as long: a program that needs more would be killed there. */
const STOP_LIMIT_MS = 10_000
const LAST_WORDS = 5
const root = fileURLToPath(new URL('../..', import.meta.url))

interface ProgramOptions {
  readonly name: string
  /** Its main, from the root of the project. */
  readonly file: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly watchdog: Watchdog
  readonly onLine: (line: LogLine) => void
}

/** The producer or the ETL, as a process of its own. */
export interface Program {
  /** Rejects when it ends without being told to; never resolves. */
  readonly broken: Promise<never>
  /** The next line whose message begins with these words. Never settles if there is none: see `broken`. */
  said(words: string): Promise<LogLine>
  /**
   * Tells it to stop and waits for its end. May be called again.
   * @throws Error unless it ends with exit code 0 within 10 s; it is gone in any case.
   */
  stop(): Promise<void>
}

/**
 * Starts a program in a process group of its own, so that Ctrl-C doesn't reach it: the demo tells it when
 * to stop. The watchdog ends it where the demo can't.
 */
export function startProgram({ name, file, env, watchdog, onLine }: ProgramOptions): Program {
  const child = spawn(process.execPath, [file], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid !== undefined) watchdog.watchProcess(pid, 'KILL')

  const waiting = new Set<(line: LogLine) => void>()
  const lastWords: string[] = []
  const take = (line: LogLine): void => {
    lastWords.push(oneLine(`  ${timeOfDay(line.time)}  ${line.msg}`))
    if (lastWords.length > LAST_WORDS) lastWords.shift()
    for (const hear of waiting) hear(line)
    onLine(line)
  }
  createInterface({ input: child.stdout }).on('line', (text) => take(readLogLine(name, text)))
  // What a program says before it has a logger: a bad configuration, or a crash of Node itself.
  createInterface({ input: child.stderr }).on('line', (text) => take(readLogLine(name, text, WARN)))

  // 'close' and not 'exit': then its last line was read, too.
  const exited = once(child, 'close').then((closed) => {
    const [code, signal] = closed as [number | null, NodeJS.Signals | null]
    if (pid !== undefined) watchdog.forgetProcess(pid)
    return code === null ? `ended by ${signal}` : `exit code ${code}`
  })
  const failed = exited.catch((error: Error) => error.message) // it could not be started at all
  let stopping: Promise<void> | undefined
  const broken = failed.then(async (how): Promise<never> => {
    if (stopping === undefined)
      throw new Error([`The ${name} ended by itself (${how}). Its last words:`, ...lastWords].join('\n'))
    return new Promise(() => {})
  })
  broken.catch(() => {})

  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    try {
      const how = await within(STOP_LIMIT_MS, `The end of the ${name}`, failed)
      // A program that has not set its handlers yet dies of the signal: it has done nothing.
      if (how !== 'exit code 0' && how !== 'ended by SIGTERM')
        throw new Error(`The ${name} did not end well (${how})`)
    } catch (error) {
      if (child.exitCode === null && pid !== undefined) process.kill(-pid, 'SIGKILL')
      throw new Error((error as Error).message, { cause: error })
    }
  }
  return {
    broken,
    said: (words) =>
      new Promise((resolve) => {
        const hear = (line: LogLine): void => {
          if (!line.msg.startsWith(words)) return
          waiting.delete(hear)
          resolve(line)
        }
        waiting.add(hear)
      }),
    stop: () => (stopping ??= stop()),
  }
}
