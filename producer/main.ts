import { parseArgs } from 'node:util'
import { readConfig, type Config } from '../etl/process/config.ts'
import { createLogger } from '../etl/process/log.ts'
import { chosenStreams, installedStreams } from '../etl/stream/installed.ts'
import { streams } from '../etl/installation.ts'
import { recordsOf, type Records } from './messages.ts'
import { run } from './run.ts'
import { stopSignal } from '../etl/process/stop-signal.ts'

const HELP = `Usage: npm run producer [-- --help]

Sends synthetic records of a stream to its Kafka topic, as an idempotent producer and acknowledged by all in-sync
replicas, until it is told to stop (SIGTERM, Ctrl-C) or has sent PRODUCER_LIMIT records. Then it says
what it sent, by kind. It waits for Kafka and for the topic, and never makes the topic: npm run topics.

Environment:
  KAFKA_BROKERS              host:port, comma-separated; required
  KAFKA_TOPIC                of the first stream; default transactions
  PRODUCER_STREAM            the stream; default the first of streams/index.ts
  KAFKA_SSL, KAFKA_SASL_*    how to connect; see docs/CONFIGURATION.md
  PRODUCER_MIN_INTERVAL_MS   one record after each wait between these two,
  PRODUCER_MAX_INTERVAL_MS   shorter in busy hours of the day; default 1000 and 2000
  PRODUCER_RATE              records a second, instead of the interval; up to tens of thousands
  PRODUCER_LIMIT             stop after so many records
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
  let records: Records
  try {
    const { values } = parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h' } } })
    if (values.help === true) {
      process.stdout.write(HELP)
      return 0
    }
    const general = readConfig(['kafka', 'producer', 'log'])
    const named = general.PRODUCER_STREAM
    const installed = installedStreams(general, streams)
    const [chosen] = chosenStreams(installed, named === undefined ? undefined : [named], 'PRODUCER_STREAM')
    config = chosen!.config
    records = recordsOf(chosen!.definition)
  } catch (error) {
    // Both a usage error of parseArgs and a ConfigError are sentences for people.
    process.stderr.write(`${(error as Error).message}\n`)
    return 2
  }
  const logger = createLogger(config.LOG_LEVEL, { service: 'producer' })
  try {
    await run(config, records, logger, stopSignal(logger, 'the records in hand are still sent'))
    return 0
  } catch (error) {
    logger.error({ err: error }, 'sending failed')
    return 1
  }
}
