import { parseArgs } from 'node:util'
import { readConfig, type Config } from '../etl/process/config.ts'
import { createLogger } from '../etl/process/log.ts'
import { chosenStreams, installedStreams } from '../etl/stream/installed.ts'
import { streams } from '../etl/installation.ts'
import { run, type Target } from './run.ts'
import { stopSignal } from '../etl/process/stop-signal.ts'

const HELP = `Usage: npm run producer [-- --help]

Sends synthetic records of the streams to their Kafka topics, as an idempotent producer and acknowledged by all
in-sync replicas, until it is told to stop (SIGTERM, Ctrl-C) or PRODUCER_LIMIT is reached. Then it says what
it sent, by kind. It waits for Kafka and for the topics, and never makes one: npm run topics.

Of several streams it plays one shop: with each sale come the visits that lead to it, its payment, and customers and
products that are new or change. Rate, interval and limit are those of sales then; of one stream, of its records.

Environment:
  KAFKA_BROKERS              host:port, comma-separated; required
  KAFKA_TOPIC                of the first stream; default transactions
  PRODUCER_STREAMS           names, comma-separated; default all of streams/index.ts
  KAFKA_SSL, KAFKA_SASL_*    how to connect; see docs/CONFIGURATION.md
  PRODUCER_MIN_INTERVAL_MS   one sale after each wait between these two,
  PRODUCER_MAX_INTERVAL_MS   shorter in busy hours of the day; default 1000 and 2000
  PRODUCER_RATE              sales a second, instead of the interval; of one stream up to tens of thousands
  PRODUCER_LIMIT             stop after so many sales
  PRODUCER_INVALID_RATIO     share of records that break the contract, 0 to 1; default 0
  PRODUCER_DUPLICATE_RATIO   share that repeat an earlier order, 0 to 1, one in four of them with
                             another amount; default 0
  PRODUCER_SEED              the same customers, baskets and faults again, in new orders; default random
  LOG_LEVEL                  default info

Exit: 0 limit reached or told to stop, 1 sending failed, 2 usage or configuration.
`

process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  let config: Config<'kafka' | 'producer' | 'log'>
  let targets: readonly Target[]
  try {
    const { values } = parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h' } } })
    if (values.help === true) {
      process.stdout.write(HELP)
      return 0
    }
    config = readConfig(['kafka', 'producer', 'log'])
    targets = chosenStreams(installedStreams(config, streams), config.PRODUCER_STREAMS, 'PRODUCER_STREAMS')
  } catch (error) {
    // Both a usage error of parseArgs and a ConfigError are sentences for people.
    process.stderr.write(`${(error as Error).message}\n`)
    return 2
  }
  const logger = createLogger(config.LOG_LEVEL, { service: 'producer' })
  try {
    await run(config, targets, logger, stopSignal(logger, 'the records in hand are still sent'))
    return 0
  } catch (error) {
    logger.error({ err: error }, 'sending failed')
    return 1
  }
}
