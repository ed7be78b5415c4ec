import { readFileSync } from 'node:fs'
import type { Child } from './child.ts'

/** The status that a worker's HTTP server answers with; it must have said that it is ready. */
export async function status(etl: Child, path: '/healthz' | '/readyz'): Promise<number> {
  const address = etl.said('ready')?.['address']
  if (typeof address !== 'string') throw new Error('the worker has not said its address')
  const response = await fetch(new URL(path, address.replace(/\[::\]|0\.0\.0\.0/, '127.0.0.1')))
  await response.body?.cancel()
  return response.status
}

/** Each share that the group gave a worker, oldest first. */
export function shares(etl: Child): number[][] {
  return etl
    .lines()
    .filter(({ msg }) => msg === 'joined the group')
    .map((line) => line['partitions'] as number[])
}

/** Milliseconds from the signal to the end, and how it ended. */
export async function endOf(
  child: Child,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<{ code: number | null; ms: number }> {
  const asked = performance.now()
  child.kill(signal)
  const code = await child.exited
  return { code, ms: performance.now() - asked }
}

/** The pid of the worker itself, also when npm stands before it. */
export function workerPid(etl: Child): number {
  return Number(String(etl.said('ready')?.['worker']).split(':').at(-1))
}

/** The most memory that a process has had so far, in MB; Linux only. */
export function peakMemoryMb(pid: number): number {
  const [, kb] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kb) / 1024
}

/** Milliseconds of processor time that a process has used so far; Linux only. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold blanks; utime and stime are fields 14 and 15, in ticks of 10 ms.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
