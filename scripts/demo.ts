import { parseArgs } from 'node:util'
import { commandFailure } from './command-failure.ts'
import { runDemo } from './demo/demo.ts'
import { readSeconds } from './demo/settings.ts'

const HELP = `Usage: npm run demo

Shows the whole of it at work on this machine: takes a Kafka and a Postgres, migrates a warehouse, makes
the topics, then runs the producer, with some broken and some repeated records, and the ETL. At the end it
shows what was sold, what looks like fraud and what was rejected, and proves that every record is accounted
for, exactly once.

Environment:
  DEMO_SECONDS              how long records come; default 60, 0 is until Ctrl-C
  PULSE_SERVERS             given, docker or local; default the first that works:
                              given   KAFKA_BROKERS and DATABASE_URL, of a role that may create databases;
                                      the demo makes a database and topics of its own there and removes
                                      them (the roles pulse_owner, pulse_loader and pulse_reader stay)
                              docker  containers
                              local   processes of this machine (Java 17 or newer, Maven)
  PRODUCER_RATE             records a second; default 200
  PRODUCER_INVALID_RATIO    share of broken records; default 0.03
  PRODUCER_DUPLICATE_RATIO  share of repeated records; default 0.03
  and what else the producer and the ETL read: docs/CONFIGURATION.md

Ctrl-C ends it sooner, with the same accounts; once more ends it at once.
Exit codes: 0 all is accounted for, 1 it is not, or something failed, 2 usage or configuration,
130 stopped before there was anything to account for, or at once.`

process.exit(await main())

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
    if (values.help === true) {
      console.log(HELP)
      return 0
    }
    return await runDemo(process.env, readSeconds(process.env))
  } catch (error) {
    const { message, exitCode } = commandFailure(error)
    console.error(`${exitCode === 2 ? '' : '\n'}${message}`)
    return exitCode
  }
}
