import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { childrenOf, isAlive } from './process-table.ts'
import { waitFor } from './wait-for.ts'

/**
 * Ends Postgres as a power cut would: all of its processes at once. A kill -9 of the main process alone
 * leaves backends that work on until they notice, and each of them leads a session of its own, so a signal
 * to the group doesn't reach them either.
 */
export async function killPostgres(pid: number, dataDirectory: string): Promise<void> {
  const memory = sharedMemoryId(dataDirectory)
  process.kill(pid, 'SIGSTOP') // it starts no further process
  const children = () => childrenOf(pid).filter(isAlive)
  const noneAlive = () => {
    children().forEach(killIfThere)
    return children().length === 0
  }
  await waitFor('the processes of Postgres to be gone', noneAlive, { everyMs: 2 })
  process.kill(pid, 'SIGKILL')
  // 56 bytes that a start on the same data would find and remove; without one they would stay.
  if (memory !== undefined) spawnSync('ipcrm', ['-m', memory], { stdio: 'ignore' })
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Line 7 of postmaster.pid: key and id of the System V segment that marks the directory as in use. */
function sharedMemoryId(dataDirectory: string): string | undefined {
  try {
    return readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[6]?.trim().split(/\s+/)[1]
  } catch {
    return undefined
  }
}
