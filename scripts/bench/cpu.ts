import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100 // USER_HZ, fixed on Linux

/** /proc/<pid>/stat (proc(5)); undefined where the process is gone or this is not Linux. */
function stat(pid: number) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    return {
      parent: fields[1]!,
      ownTicks: fields[11]! + fields[12]!,
      childrenTicks: fields[13]! + fields[14]!,
    }
  } catch {
    return undefined
  }
}

/**
 * CPU seconds that a server has used since it started: its main process, the children that it has
 * reaped, and those that live. Undefined where its processes are not ours to see.
 */
function cpuSeconds(pid: number | undefined): number | undefined {
  const main = pid === undefined ? undefined : stat(pid)
  if (main === undefined) return undefined
  const living = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => stat(Number(name)))
    .filter((child) => child?.parent === pid)
    .reduce((sum, child) => sum + child!.ownTicks, 0)
  return (main.ownTicks + main.childrenTicks + living) / TICKS_PER_SECOND
}

/** Starts counting; the function it returns says how many CPU seconds were used since. */
export type CpuMeter = () => () => number | undefined

/** @param pid of the server's main process; undefined where it runs elsewhere, and what is used then too. */
export function cpuMeter(pid: number | undefined): CpuMeter {
  return () => {
    const before = cpuSeconds(pid)
    return () => {
      const after = cpuSeconds(pid)
      return before === undefined || after === undefined ? undefined : after - before
    }
  }
}
