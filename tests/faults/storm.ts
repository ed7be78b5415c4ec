import { randomInt } from 'node:crypto'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { aSender } from '../support/sender.ts'
import { SentLog } from '../support/sent-log.ts'
import type { Struck } from './storm/faults.ts'
import { added, readLogBook, sum, writeLogBook, type Survived } from './storm/log-book.ts'
import { openPlace, type Place } from './storm/place.ts'
import { countBy, seconds, summary, waveLine } from './storm/report.ts'
import { keepSending } from './storm/sending.ts'
import { BadSetting, readSettings, type Settings } from './storm/settings.ts'
import { strikeInWaves, type Wave } from './storm/strikes.ts'
import { verify } from './storm/verify.ts'
import { startCrew } from './storm/workers.ts'

const HELP = `Usage: npm run storm

Random faults on three ETL workers, their Postgres and their Kafka, while records, duplicates and garbage
of two streams are sent, one that happens once and one that has versions: kill -9, frozen processes, orderly
restarts, Postgres sessions ended. Every 200 faults they pause; then what Kafka acknowledged must be in the
warehouse, each record once, with its bytes, of each key the newest version must be the current one, and
pulse reconcile --deep must find nothing. Starts a Kafka and a Postgres of its own on this machine (Java 17,
Maven) and touches no other.

  KILLS          faults in all, 1 to 1000000 (1000: some 40 minutes on two cores)
  MINUTES        stop striking after so many minutes, check, and leave the rest for the next start
  STORM_STREAMS  names, comma-separated (the first stream that happens once, and the first of versions)
  STORM_SEED     0 to 4294967295: the same faults in the same order (random)
  STORM_DIR      where it is written down what was survived, so that the next start goes on with what is left
                 (a directory of yours in the temporary one); also gets data and logs of a storm that fails

Ctrl-C: no further fault, but the books are checked; once more: ends at once.
Exit codes: 0 all was right, 1 it was not, 2 usage, 130 interrupted, and all was right.`

const WORKERS = 3
/** Records a second, of all streams together. */
const RATE = 250
/** Faults between two checks. */
const ROUND = 200

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** What a start of this program has to do and with what. */
interface Session {
  readonly settings: Settings
  readonly before: Survived
  /** With which a storm that begins here, and not in the middle, does and sends the same. */
  readonly seed: number
  /** Aborted when no further fault is wanted. */
  readonly signal: AbortSignal
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
  if (values.help === true) {
    say(HELP)
    return 0
  }
  const settings = readSettings(process.env)
  const before = earlier(settings) ?? {
    seed: settings.seed ?? randomInt(2 ** 32),
    faults: {},
    inALoad: 0,
    records: {},
    seconds: 0,
  }
  const done = sum(before.faults)
  const interrupted = interruption()
  const limit = settings.minutes === undefined ? [] : [AbortSignal.timeout(settings.minutes * 60_000)]
  const session: Session = {
    settings,
    before,
    seed: (before.seed + done) % 2 ** 32,
    signal: AbortSignal.any([interrupted, ...limit]),
  }
  const streams = settings.streams.map(({ name }) => name).join()
  say(
    `STORM_SEED=${before.seed} KILLS=${settings.kills} STORM_STREAMS=${streams} STORM_DIR=${settings.directory}`,
  )
  if (done > 0) say(`going on: ${done} of ${settings.kills} faults are survived already`)
  const right = await run(session)
  if (!right) return 1
  return interrupted.aborted ? 130 : 0
}

/** What an earlier start has left to be done. */
function earlier({ directory, kills, seed }: Settings): Survived | undefined {
  const found = readLogBook(directory)
  if (found === undefined || sum(found.faults) >= kills) return undefined
  return seed === undefined || seed === found.seed ? found : undefined
}

/** @returns whether all was right. */
async function run(session: Session): Promise<boolean> {
  const place = await openPlace(WORKERS, session.settings.streams)
  try {
    const problems = await weather(session, place)
    if (problems.length === 0) return true
    await keep(session, place, problems)
    return false
  } finally {
    await place.remove()
  }
}

/** Rounds of faults, each with a check behind it. @returns what was wrong. */
async function weather(session: Session, place: Place): Promise<string[]> {
  const { settings, before, seed, signal } = session
  const began = performance.now()
  const logs = place.streams.map(
    ({ stream }) => new SentLog(join(place.directory, `sent-${stream.name}.jsonl`)),
  )
  const senders = place.streams.map((fed, i) => aSender({ ...place, ...fed, seed, log: logs[i]! }))
  const crew = await startCrew(place)
  let survived = before
  try {
    while (sum(survived.faults) < settings.kills && !signal.aborted) {
      const first = sum(survived.faults)
      const count = Math.min(ROUND, settings.kills - first)
      const sending = keepSending(senders, RATE)
      let struck: Struck[]
      try {
        let done = first
        const onWave = (wave: Wave) => say(waveLine((done += wave.struck.length), settings.kills, wave))
        struck = await strikeInWaves({ place, crew }, { seed: before.seed, first, count, signal, onWave })
      } finally {
        await sending.stop()
      }
      const { complaints, drainedMs, records } = await verify(place, logs)
      if (complaints.length > 0) return [...complaints]
      survived = {
        seed: before.seed,
        faults: added(survived.faults, countBy(struck)),
        inALoad: survived.inALoad + struck.filter((one) => one.inALoad).length,
        records: added(before.records, records),
        seconds: before.seconds + Math.round((performance.now() - began) / 1_000),
      }
      writeLogBook(settings.directory, survived)
      say(`caught up ${seconds(drainedMs)} after the last fault; the books are right`)
    }
    const failed = await crew.stop()
    if (failed.length > 0) return [`workers told to stop ended with ${failed.join(', ')}`]
    say(summary(survived, settings.kills, crew.endedByThemselves()))
    return []
  } catch (error) {
    return [(error as Error).message]
  } finally {
    await crew.stop()
    await Promise.allSettled(senders.map((sender) => sender.close()))
  }
}

/** Puts everything that servers, workers and sender wrote where it stays. */
async function keep({ settings, seed }: Session, place: Place, problems: readonly string[]): Promise<void> {
  const to = join(settings.directory, `failed-${new Date().toISOString().replaceAll(':', '')}`)
  mkdirSync(to, { recursive: true })
  writeFileSync(join(to, 'problems.txt'), `${problems.join('\n')}\n`)
  await Promise.allSettled([place.postgres.stop(), place.broker.stop()])
  cpSync(place.directory, to, { recursive: true, verbatimSymlinks: true })
  say(`\nNOT right:\n${problems.join('\n')}

Data, logs and the record of what was sent: ${to}
The same faults again:  KILLS=${settings.kills} STORM_SEED=${seed} STORM_DIR=$(mktemp -d) npm run storm`)
}

/** Aborted at the first Ctrl-C; the second one ends the program. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      say('No further faults; checking the books. Once more to end at once.')
      controller.abort()
    })
  return controller.signal
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = error instanceof BadSetting || (error instanceof TypeError && 'code' in error) ? 2 : 1
}
