import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitFor, type Limits } from './wait-for.ts'

/** One line of a program's log. */
export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** A program of ours as a process of its own, and what it logs. */
export interface Child {
  readonly pid: number
  /** Every whole line so far. What is no JSON (a usage message, a stack) has level 0. */
  lines(): LogLine[]
  /** Everything it wrote, as it wrote it. */
  output(): string
  /** The first line whose message contains these words. */
  said(words: string): LogLine | undefined
  /** @throws Error with the end of its output, at the limit or when it ends without having said so. */
  waitForLine(what: string | ((line: LogLine) => boolean), limits?: Limits): Promise<LogLine>
  kill(signal?: NodeJS.Signals): void
  /** Resolves when it has ended and its output is read; null where a signal ended it. */
  readonly exited: Promise<number | null>
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
  isRunning(): boolean
}

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Halves the processor time that a program takes to start; tests start hundreds. */
const compileCache = join(tmpdir(), 'pulse-compile-cache')

/** @param env all that it gets: nothing of this process' environment but the PATH, and where compiled code is kept. */
export function startChild(
  script: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Child {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (data: string) => (text += data))
  }
  let running = true
  const exited = once(child, 'close').then(([code]) => {
    running = false
    return code as number | null
  })
  const lines = () => text.split('\n').slice(0, -1).map(parseLine)
  const said = (words: string) => lines().find(({ msg }) => msg.includes(words))
  return {
    pid: child.pid ?? -1,
    lines,
    said,
    output: () => text,
    waitForLine: async (what, limits = {}) => {
      const wanted = typeof what === 'string' ? (line: LogLine) => line.msg.includes(what) : what
      const name = typeof what === 'string' ? `“${what}”` : 'a line'
      const end = () => `${script} wrote:\n${text.slice(-4_000)}`
      return waitFor(
        `${name} from ${script}`,
        () => {
          const line = lines().find(wanted)
          if (line === undefined && !running) throw new Error(`It ended without ${name}; ${end()}`)
          return line
        },
        { limitMs: 20_000, ...limits },
      ).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; ${end()}`, { cause: error })
      })
    },
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    exited,
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
    isRunning: () => running,
  }
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return { level: 0, msg: line }
  }
}
