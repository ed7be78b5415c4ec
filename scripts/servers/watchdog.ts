import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { postgresUser } from './postgres.ts'

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/**
 * A process beside ours that ends the servers and removes their directory when we are gone.
 *
 * Servers run in process groups of their own, so that Ctrl-C, which goes to the whole group of the
 * terminal, doesn't take them away while the program still finishes its last batch on them. So nothing
 * ends them when we die, and after kill -9 no handler of ours runs. The watchdog holds one end of a pipe to
 * us: the kernel closes our end in every case. An orderly end takes the same way (we close the pipe and wait
 * for it), so there is one clean-up and every test exercises it.
 */
export class Watchdog {
  readonly #child: ChildProcessByStdio<Writable, null, null>
  readonly #pipe: Writable
  #ended: Promise<void> | undefined

  /** The directory need not exist yet: name it here first, make it then. */
  constructor(directory: string) {
    const args = [script('watchdog.sh'), directory, process.execPath, script('docker-child.ts')]
    // Its own session: Ctrl-C must not reach it. "/": it must not keep a directory in use.
    const child = spawn('/bin/sh', args, { detached: true, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] })
    this.#child = child
    this.#pipe = child.stdin
    this.#pipe.on('error', () => {}) // EPIPE: it has gone; end() says so
    child.on('error', () => {})
    this.#unref()
  }

  /** Call it in the same turn as the spawn: what happens between the two is not covered. */
  watchProcess(group: number, signal: 'QUIT' | 'KILL'): void {
    this.#tell(`process ${signal} ${group}`)
  }

  /** Also keeps the watchdog from signalling a stranger that gets the number later. */
  forgetProcess(group: number): void {
    this.#tell(`ended ${group}`)
  }

  watchContainer(id: string): void {
    this.#tell(`container ${id}`)
  }

  hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Ends everything watched, removes the directory; resolves when that is done. May be called again. */
  end(): Promise<void> {
    this.#ended ??= this.#end()
    return this.#ended
  }

  async #end(): Promise<void> {
    this.#child.ref()
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit')
      this.#pipe.end()
      await exited
    }
    if (this.#child.exitCode !== 0) throw new Error('The watchdog failed: servers may still run')
  }

  #tell(line: string): void {
    this.#pipe.write(`${line}\n`)
  }

  /** A program that forgets to stop its servers ends all the same, and they with it. */
  #unref(): void {
    this.#child.unref()
    ;(this.#pipe as Writable & { unref?(): void }).unref?.()
  }
}

/** A directory for all that servers write, and the watchdog that ends them and removes it. */
export function watchedDirectory(): { directory: string; watchdog: Watchdog } {
  const directory = join(temporaryPlace(), `pulse-servers-${randomBytes(6).toString('hex')}`)
  const watchdog = new Watchdog(directory)
  mkdirSync(directory, { mode: 0o711 }) // the user who runs Postgres goes through it, and no one lists it
  return { directory, watchdog }
}

/** The temp directory, or /tmp if it is one that the user who runs Postgres can't enter (root's own, say). */
function temporaryPlace(): string {
  const user = postgresUser()
  if (user === undefined) return tmpdir()
  const enter = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', tmpdir()], { ...user, cwd: '/' })
  return enter.status === 0 ? tmpdir() : '/tmp'
}

/**
 * Waits for both starts to their end, also when one fails: a server that comes after the clean-up would stay.
 *
 * @throws Error with what failed, of each server that did; nothing is left of the other one.
 */
export async function bothOrNone<A, B>(
  watchdog: Watchdog,
  starts: readonly [Promise<A>, Promise<B>],
): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled(starts)
  if (first.status === 'fulfilled' && second.status === 'fulfilled') return [first.value, second.value]
  const [cleanUp] = await Promise.allSettled([watchdog.end()])
  const failures = [first, second, cleanUp].flatMap((step) =>
    step.status === 'rejected' ? [step.reason as Error] : [],
  )
  throw new AggregateError(failures, failures.map((error) => error.message).join('; '))
}
