import { parseArgs } from 'node:util'
import { messageOf } from '../etl/text/message-of.ts'
import { InstallationError } from '../etl/load-streams.ts'
import { ConfigError } from '../etl/process/config.ts'
import { scrub } from '../etl/process/log.ts'

/**
 * What ended a command, for people and without secrets, and the exit code that says whose fault it is. 2: called or
 * configured wrongly (`parseArgs` throws a TypeError with a code). 1: anything else.
 */
export function commandFailure(error: unknown): { message: string; exitCode: 1 | 2 } {
  const usage =
    error instanceof ConfigError ||
    error instanceof InstallationError ||
    (error instanceof TypeError && 'code' in error)
  return { message: scrub(messageOf(error)), exitCode: usage ? 2 : 1 }
}

/** For a command with nothing to add: prints the failure, and sets the exit code of this process. */
export function failCommand(error: unknown): void {
  const { message, exitCode } = commandFailure(error)
  console.error(message)
  process.exitCode = exitCode
}

/**
 * The frame of a command that takes no more than --help: does the work and leaves with the exit code that it
 * returns, or says what ended it (see commandFailure).
 *
 * @param explained what to report instead of what was thrown.
 */
export async function runCommand(
  help: string,
  work: () => Promise<number>,
  explained: (thrown: unknown) => unknown = (thrown) => thrown,
): Promise<void> {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
    if (values.help === true) console.log(help)
    else process.exitCode = await work()
  } catch (thrown) {
    failCommand(explained(thrown))
  }
}
