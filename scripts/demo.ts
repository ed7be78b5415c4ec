import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { stopSignal } from '../etl/process/stop-signal.ts'
import { commandFailure } from './command-failure.ts'
import { giveAccounts } from './demo/accounts.ts'
import { openScreen, readLogLine, wrapped } from './demo/screen.ts'
import { checkEnvironment, readSeconds, RUN_EVERY_SECONDS, type DemoConfig } from './demo/settings.ts'
import { tellStory, type Stage } from './demo/story.ts'
import { openWorkplace } from './demo/workplace.ts'
import { streams } from '../etl/installation.ts'
import { startServers, type Servers } from './servers/index.ts'
import { aborted } from '../etl/process/aborted.ts'

const HELP = `Usage: npm run demo

Shows the whole of it at work on this machine: takes a Kafka and a Postgres, migrates a warehouse, makes
the topics of every stream, then runs the producer, with some broken and some repeated records, and the ETL.
At the end it shows what was sold, what looks like fraud and what was rejected, and proves of each stream that
every record is accounted for, exactly once.

Environment:
  DEMO_SECONDS              how long records come; default 60, 0 is until Ctrl-C
  PULSE_SERVERS             given, docker or local; default the first that works:
                              given   KAFKA_BROKERS and DATABASE_URL, of a role that may create databases;
                                      the demo makes a database and topics of its own there and removes
                                      them (the roles pulse_owner, pulse_loader and pulse_reader stay)
                              docker  containers
                              local   processes of this machine (Java 17 or newer, Maven)
  PRODUCER_RATE             sales a second; default 100, with some fifteen records each
  PRODUCER_INVALID_RATIO    share of broken records; default 0.03
  PRODUCER_DUPLICATE_RATIO  share of repeated records; default 0.03
  and what else the producer and the ETL read: docs/CONFIGURATION.md

Ctrl-C ends it sooner, with the same accounts; once more ends it at once.
Exit codes: 0 all is accounted for, 1 it is not, or something failed, 2 usage or configuration,
130 stopped before there was anything to account for, or at once.`

/** What a shell gives for a program that Ctrl-C has ended. */
const INTERRUPTED = 130

const print = (text: string): void => console.log(text)

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

/**
 * The demo from its first line to its last.
 *
 * @param seconds how long records come; 0 is until Ctrl-C.
 * @returns the exit code.
 * @throws ConfigError, and other errors that say what failed; nothing is left then.
 */
async function runDemo(env: NodeJS.ProcessEnv, seconds: number): Promise<number> {
  print(`${introduction(checkEnvironment(env), seconds)}\n`)

  const screen = openScreen(print, (stream) => stream === streams[0]!.name)
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (text) => screen.tell(readLogLine('demo', text)) },
  )
  const signal = stopSignal(logger, 'what was sent until now is still loaded and accounted for')
  const servers = await Promise.race([
    startServers({ say: (line) => print(wrapped(line, '           ')) }),
    aborted(signal),
  ])
  // They may be half started: their watchdog ends them when we have gone.
  if (servers === undefined) return INTERRUPTED
  try {
    return await runOn(servers, env, seconds, { screen, logger, signal, say: print })
  } finally {
    await servers.stop()
  }
}

type Surroundings = Omit<Stage, 'workplace'> & { readonly logger: Parameters<typeof openWorkplace>[2] }

async function runOn(
  servers: Servers,
  env: NodeJS.ProcessEnv,
  seconds: number,
  { logger, ...surroundings }: Surroundings,
): Promise<number> {
  const { signal, say } = surroundings
  const workplace = await openWorkplace(servers, env, logger, say)
  let code = 1
  try {
    const ending = signal.aborted ? undefined : await tellStory({ workplace, ...surroundings }, seconds)
    if (ending === undefined || ending.sent.total === 0) {
      say('Nothing was sent: there is nothing to account for.')
      code = signal.aborted ? INTERRUPTED : 1
    } else {
      code = (await giveAccounts(workplace, ending, say)) ? 0 : 1
    }
  } finally {
    if (!(await workplace.remove())) code = 1
  }
  return code
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))} %`
}

function introduction(config: DemoConfig, seconds: number): string {
  return wrapped(
    [
      `Global Sales Pulse at work, ${seconds === 0 ? 'until Ctrl-C' : `for ${seconds} s (Ctrl-C ends it sooner)`}:`,
      `a producer plays a shop with ${config.PRODUCER_RATE} sales a second, and sends what happens there to the topics`,
      `of ${streams.length} streams, ${percent(config.PRODUCER_INVALID_RATIO)} of the records broken and`,
      `${percent(config.PRODUCER_DUPLICATE_RATIO)} repeated. Every ${RUN_EVERY_SECONDS} s the ETL moves them into a Postgres`,
      `warehouse. At the end every record must be accounted for, exactly once.`,
    ].join(' '),
  )
}
