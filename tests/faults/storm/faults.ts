import { setTimeout as delay } from 'node:timers/promises'
import { weighted, type Random } from '../../../producer/random.ts'
import type { ServerControl } from '../../../scripts/servers/types.ts'
import { descendantsOf } from '../../support/processes.ts'
import { inALoad } from './in-a-load.ts'
import { workerLogin, type Place } from './place.ts'
import type { Crew, Worker } from './workers.ts'

export interface Targets {
  readonly place: Place
  readonly crew: Crew
}

/** A fault that was done. */
export interface Struck {
  readonly kind: string
  /** Whether all workers are without Kafka or Postgres until it is healed. */
  readonly ofServer: boolean
  /** Whether it struck a worker that had a load under way the moment before. */
  readonly inALoad: boolean
  /** Resolves when it is over; rejects where a server does not come back. */
  readonly healed: Promise<void>
}

/** @returns undefined where there is nothing to strike just now. */
type Strike = (targets: Targets, random: Random) => Promise<Healing | undefined> | Healing | undefined
interface Healing {
  readonly healed: Promise<void>
  readonly inALoad?: boolean
}

interface Fault {
  readonly kind: string
  readonly weight: number
  readonly ofServer: boolean
  readonly act: Strike
}

const ofWorkers = (weight: number, kind: string, act: Strike): Fault => ({
  kind,
  weight,
  ofServer: false,
  act,
})
const ofServer = (weight: number, kind: string, act: Strike): Fault => ({ kind, weight, ofServer: true, act })

/** Servers take seconds to come back, and all workers wait for them: six faults of seven are for the workers. */
const FAULTS: readonly Fault[] = [
  ofWorkers(30, 'worker killed (kill -9)', (targets, random) => signalled(targets, random, 'SIGKILL')),
  ofWorkers(16, 'worker told to stop (SIGTERM)', (targets, random) => signalled(targets, random, 'SIGTERM')),
  ofWorkers(14, 'worker frozen (SIGSTOP, up to 3 s)', (targets, random) =>
    frozen(targets, random, 200, 3_000),
  ),
  ofWorkers(4, 'worker frozen past its session (SIGSTOP, over 6 s)', (targets, random) =>
    frozen(targets, random, 6_500, 9_000),
  ),
  ofWorkers(22, 'sessions of workers ended (pg_terminate_backend)', sessionsEnded),
  ofServer(4, 'Postgres killed (kill -9)', ({ place }) => restarted(place.postgres, 'kill')),
  ofServer(3, 'Postgres restarted', ({ place }) => restarted(place.postgres, 'stop')),
  ofServer(3, 'Postgres frozen (SIGSTOP, up to 2 s)', ({ place }, random) => stunned(place.postgres, random)),
  ofServer(2, 'Kafka killed (kill -9)', ({ place }) => restarted(place.broker, 'kill')),
  ofServer(1, 'Kafka restarted', ({ place }) => restarted(place.broker, 'stop')),
  ofServer(2, 'Kafka frozen (SIGSTOP, up to 2 s)', ({ place }, random) => stunned(place.broker, random)),
]

const draw = weighted(FAULTS, ({ weight }) => weight)

/** Does one fault, drawn by weight; draws again where there is nothing to strike. */
export async function strike(targets: Targets, random: Random): Promise<Struck> {
  for (;;) {
    const fault = draw(random)
    const healing = await fault.act(targets, random)
    if (healing !== undefined) {
      healing.healed.catch(() => undefined) // who waits for it hears of it
      return { inALoad: false, ...fault, ...healing }
    }
    await delay(20)
  }
}

/** Three of four are for a worker in the middle of a load, if there is one; the others for any, whatever it does. */
async function victim(
  { place, crew }: Targets,
  random: Random,
): Promise<{ worker: Worker; inALoad: boolean }> {
  const any = random.pick(crew.workers)
  if (random.chance(0.25)) return { worker: any, inALoad: false }
  const loading = await inALoad(place, random.between(0, 12))
  const worker = crew.workers.find(({ number }) => number === loading)
  return { worker: worker ?? any, inALoad: worker !== undefined }
}

async function signalled(
  targets: Targets,
  random: Random,
  name: NodeJS.Signals,
): Promise<Healing | undefined> {
  const { worker, inALoad: loading } = await victim(targets, random)
  return worker.signal(name) ? { healed: Promise.resolve(), inALoad: loading } : undefined
}

async function frozen(
  targets: Targets,
  random: Random,
  min: number,
  max: number,
): Promise<Healing | undefined> {
  const { worker, inALoad: loading } = await victim(targets, random)
  const thaw = worker.freeze()
  return thaw && { healed: delay(random.between(min, max)).then(thaw), inALoad: loading }
}

/** All of one worker. */
async function sessionsEnded(targets: Targets, random: Random): Promise<Healing | undefined> {
  const { worker, inALoad: loading } = await victim(targets, random)
  try {
    const { rows } = await targets.place.pool.query<{ ended: boolean }>(
      'select pg_terminate_backend(pid) as ended from pg_stat_activity where usename = $1',
      [workerLogin(worker.number)],
    )
    return rows.some(({ ended }) => ended) ? { healed: Promise.resolve(), inALoad: loading } : undefined
  } catch {
    return undefined // Postgres is away itself
  }
}

/** Servers that a fault is not over for yet. */
const busy = new Set<ServerControl>()

function whileBusy(target: ServerControl, work: () => Promise<void>): Healing | undefined {
  if (busy.has(target)) return undefined
  busy.add(target)
  return { healed: work().finally(() => busy.delete(target)) }
}

function restarted(target: ServerControl, end: 'kill' | 'stop'): Healing | undefined {
  return whileBusy(target, async () => {
    await target[end]()
    await target.start()
  })
}

/** The main process first, so that it starts no other meanwhile. */
function stunned(target: Required<ServerControl>, random: Random): Healing | undefined {
  return whileBusy(target, async () => {
    const main = target.pid()
    signal(main, 'SIGSTOP')
    const processes = [main, ...descendantsOf(main)]
    for (const pid of processes) signal(pid, 'SIGSTOP')
    await delay(random.between(200, 2_000))
    for (const pid of processes.toReversed()) signal(pid, 'SIGCONT')
  })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
