import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What the system says of its processes. On Linux without `ps`, which slim images lack. */

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
