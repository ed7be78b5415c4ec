import { aborted } from './process/aborted.ts'
import { messageOf } from './text/message-of.ts'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ConfigError, readConfig, type Config } from './process/config.ts'
import { createLogger, scrub } from './process/log.ts'
import { checkSchedule } from './job/scheduler.ts'
import { stopSignal } from './process/stop-signal.ts'
import { startWorker, type ConfiguredStream } from './worker/worker.ts'
import type { Connections, WorkerConfig } from './worker/connections.ts'
import { compile, type Stream } from './stream/compile.ts'
import { chosenStreams, environmentOf, installedStreams } from './stream/installed.ts'
import { MigrationMismatch, readMigrations } from './postgres/migrations.ts'
import { StreamMismatch } from './stream/registry.ts'
import type { StreamPages } from './web/context.ts'
import type { Definition } from './stream/definition.ts'

const HELP = `Usage: npm run etl

Moves records from Kafka into the warehouse: every 30 seconds it drains the partitions of its streams
through extract, validate, transform, load, acknowledge. Waits for Kafka, its topics and the warehouse, and
starts only on a warehouse with this version's migrations (npm run migrate).

Reads KAFKA_*, DATABASE_URL, ETL_SCHEDULE, BATCH_SIZE, TAX_RATE and others: docs/CONFIGURATION.md.
SIGTERM or Ctrl-C: the batch in hand is finished or rolled back, then it leaves the group.
Exit codes: 0 told to stop, 1 failed, 2 usage or configuration.`

/** Compose and Kubernetes wait 10 s at least; what is not committed by then is rolled back by Postgres. */
const SHUTDOWN_LIMIT_MS = 9_000
/** What a start may still take when it is told to stop: it has nothing in hand, and Kafka may not answer. */
const START_LIMIT_MS = 1_000

/** What the main of an installation gives the engine. */
export interface Loaded {
  readonly streams: readonly Definition[]
  /** What they bring to the console. */
  readonly pages: readonly StreamPages[]
  /** The folder of their migrations, if it is not streams/migrations/. */
  readonly migrations?: URL
}

/**
 * The ETL's program, from its arguments to its exit code. Takes the arguments and environment of this process.
 *
 * @param loaded what it loads.
 * @param wrap what the worker works through, seen before it is used: the fault suite's own main strikes there.
 */
export async function runProgram(
  { streams, pages, migrations: folder }: Loaded,
  wrap?: (open: Connections) => Connections,
): Promise<number> {
  let config: WorkerConfig & Config<'log'>
  let configured: ConfiguredStream[]
  let runs: (stream: Stream) => boolean
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
    if (values.help === true) {
      console.log(HELP)
      return 0
    }
    config = readConfig(
      ['kafka', 'database', 'etl', 'console', 'alerts', 'housekeeping', 'log'],
      process.env,
      environmentOf(streams),
    )
    const installed = installedStreams(config, streams)
    const chosen = chosenStreams(installed, config.STREAMS, 'STREAMS').map(({ definition }) => definition)
    configured = installed.map(({ definition, config: ofStream }) => {
      checkSchedule(ofStream.ETL_SCHEDULE)
      return { stream: compile(definition, ofStream), config: ofStream }
    })
    runs = ({ definition }) => chosen.includes(definition)
  } catch (error) {
    console.error(messageOf(error))
    return error instanceof ConfigError || error instanceof TypeError ? 2 : 1
  }

  const worker = `${hostname()}:${process.pid}`
  const logger = createLogger(config.LOG_LEVEL, { service: 'etl', worker })
  const signal = stopSignal(logger, 'the batch in hand is finished or rolled back')
  try {
    const running = await Promise.race([
      startWorker(
        config,
        { streams: configured, runs, pages, migrations: readMigrations(folder) },
        worker,
        logger,
        signal,
        wrap,
      ),
      aborted(signal).then(() => delay(START_LIMIT_MS)),
    ])
    if (running === undefined) return 0
    const crash = await Promise.race([aborted(signal), running.crashed])
    if (crash !== undefined) {
      logger.fatal(
        { err: crash },
        crash instanceof MigrationMismatch || crash instanceof StreamMismatch
          ? `this worker ends, and blames no record: ${crash.message}`
          : 'the Kafka consumer ended for good: the supervisor must start this worker again',
      )
      return 1
    }
    const limit = setTimeout(() => {
      logger.warn('ended before the batch in hand: Postgres rolls it back, the next worker loads it')
      process.exit(0)
    }, SHUTDOWN_LIMIT_MS)
    await running.stop()
    clearTimeout(limit)
    logger.info('stopped')
    return 0
  } catch (error) {
    if (signal.aborted) return 0
    logger.fatal({ err: error }, error instanceof Error ? scrub(error.message) : 'failed')
    return 1
  }
}
