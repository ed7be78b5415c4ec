import { fileURLToPath } from 'node:url'
import { startWatched, type Running } from '../../../scripts/servers/processes.ts'
import { workerLog, type Place } from './place.ts'

/** An ETL worker that is started again whenever it ends, as a supervisor does. */
export interface Worker {
  /** From 1. */
  readonly number: number
  /** Sends the signal to the process there is now. @returns false if there is none at the moment. */
  signal(name: NodeJS.Signals): boolean
  /** SIGSTOP now and SIGCONT later. @returns undefined if there is none or it is frozen already. */
  freeze(): (() => void) | undefined
}

export interface Crew {
  readonly workers: readonly Worker[]
  /** How often a worker ended although no signal of ours told it to. */
  endedByThemselves(): number
  /** Orderly. @returns the exit codes that were not 0. */
  stop(): Promise<(number | null)[]>
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const PAUSE_MS = 500

export async function startCrew(place: Place): Promise<Crew> {
  let stopping = false
  let surprises = 0

  const supervise = async (number: number): Promise<{ worker: Worker; ended: Promise<number | null> }> => {
    let running: Running
    let told = false
    let frozen = false
    const start = async () => {
      running = await startWatched(place.watchdog, {
        name: `Worker ${number}`,
        file: process.execPath,
        args: ['etl/main.ts'],
        cwd: root,
        env: { ...place.workerEnvs[number - 1] },
        logFile: workerLog(place, number),
      })
      told = false
      frozen = false
    }
    const keepRunning = async (): Promise<number | null> => {
      for (;;) {
        const code = await running.exited()
        if (stopping) return code
        if (!told) {
          surprises += 1
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
        }
        await start()
      }
    }
    await start()
    const send = (name: NodeJS.Signals) => {
      if (!running.isRunning()) return false
      process.kill(running.pid, name)
      return true
    }
    const worker: Worker = {
      number,
      signal: (name) => {
        told = true
        return send(name)
      },
      freeze: () => {
        const { pid } = running
        if (frozen || !send('SIGSTOP')) return undefined
        frozen = true
        return () => {
          if (running.pid === pid && send('SIGCONT')) frozen = false
        }
      },
    }
    return { worker, ended: keepRunning() }
  }

  const crew = await Promise.all(place.workerEnvs.map((_, index) => supervise(index + 1)))
  return {
    workers: crew.map(({ worker }) => worker),
    endedByThemselves: () => surprises,
    stop: async () => {
      stopping = true
      for (const { worker } of crew) worker.signal('SIGTERM')
      const codes = await Promise.all(crew.map(({ ended }) => ended))
      return codes.filter((code) => code !== 0)
    },
  }
}
