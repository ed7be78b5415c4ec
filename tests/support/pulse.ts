import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../scripts/pulse.ts', import.meta.url))

export interface PulseOutcome {
  /** The exit code; a signal's name where one ended it. */
  readonly code: number | string
  readonly out: string
  readonly err: string
}

/** `npm run pulse -- <args>` as a process, in a pipe. */
export function runPulse(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<PulseOutcome> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'], ...env }, maxBuffer: 64 * 1024 * 1024 }
    execFile(process.execPath, [program, ...args], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : (error.code ?? String(error.signal)), out, err })
    })
  })
}
