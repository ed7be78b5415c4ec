import { pino } from 'pino'
import { stopSignal } from '../../etl/stop-signal.ts'
import { startServers, type Servers } from '../servers/index.ts'
import { giveAccounts } from './accounts.ts'
import { aborted } from './aborted.ts'
import { openScreen, readLogLine, wrapped } from './screen.ts'
import { checkEnvironment, RUN_EVERY_SECONDS, type DemoConfig } from './settings.ts'
import { tellStory, type Stage } from './story.ts'
import { openWorkplace } from './workplace.ts'

/** What a shell gives for a program that Ctrl-C has ended. */
const INTERRUPTED = 130

const print = (text: string): void => console.log(text)

/**
 * The demo from its first line to its last.
 *
 * @param seconds how long records come; 0 is until Ctrl-C.
 * @returns the exit code.
 * @throws ConfigError, DemoFailure and other errors that say what failed; nothing is left then.
 */
export async function runDemo(env: NodeJS.ProcessEnv, seconds: number): Promise<number> {
  print(`${introduction(checkEnvironment(env), seconds)}\n`)

  const screen = openScreen(print)
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

const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(3))} %`

function introduction(config: DemoConfig, seconds: number): string {
  return wrapped(
    [
      `Global Sales Pulse at work, ${seconds === 0 ? 'until Ctrl-C' : `for ${seconds} s (Ctrl-C ends it sooner)`}:`,
      `a producer sends ${config.PRODUCER_RATE} sales a second to Kafka, ${percent(config.PRODUCER_INVALID_RATIO)}`,
      `of them broken and ${percent(config.PRODUCER_DUPLICATE_RATIO)} repeated, and every ${RUN_EVERY_SECONDS} s the`,
      `ETL moves them into a Postgres warehouse. At the end every record must be accounted for, exactly once.`,
    ].join(' '),
  )
}
