import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Names } from './settings.ts'

const program = fileURLToPath(new URL('remove.ts', import.meta.url))

/**
 * A process beside ours that removes what the demo makes on somebody else's servers, when we are gone.
 *
 * It waits for the end of a pipe to us, as the servers' watchdog does, and for the same reason: after
 * kill -9 or a second Ctrl-C no handler of ours runs, but the kernel closes the pipe. An orderly end takes
 * the same way, so there is one clean-up. Start it before anything is made.
 */
export class Removal {
  readonly #child: ChildProcessByStdio<Writable, null, null>
  readonly #exited: Promise<unknown[]>
  readonly #names: Names

  /** @param databaseUrl the maintenance database, from which the demo's own is dropped. */
  constructor(names: Names, databaseUrl: string, env: Readonly<Record<string, string | undefined>>) {
    this.#names = names
    this.#child = spawn(
      process.execPath,
      [program, names.database, names.topic, names.dlqTopic, names.group],
      {
        // Its own session: Ctrl-C must not reach it. Its errors are for people, whatever became of us.
        detached: true,
        env: { ...env, DATABASE_URL: databaseUrl },
        stdio: ['pipe', 'ignore', 'inherit'],
      },
    )
    this.#child.stdin.on('error', () => {}) // EPIPE: it has gone; its exit code says why
    this.#exited = once(this.#child, 'exit')
    this.#exited.catch(() => {})
  }

  /** Removes everything. Says what may be left, and gives false then. */
  async remove(): Promise<boolean> {
    this.#child.stdin.end()
    const [code] = await this.#exited.catch(() => [])
    if (code === 0) return true
    const { database, topic, dlqTopic, group } = this.#names
    console.error(
      `Not everything that the demo made could be removed. Look for the database ${database}, ` +
        `the topics ${topic} and ${dlqTopic}, and the group ${group}.`,
    )
    return false
  }
}
