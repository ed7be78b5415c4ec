import { childrenOf } from '../../scripts/servers/processes.ts'

export { isAlive } from '../../scripts/servers/processes.ts'

/** The process's children, their children, and so on. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])
}
