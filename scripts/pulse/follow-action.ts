import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { readAction, type Action } from '../../etl/operations/actions.ts'
import { seconds } from './arguments.ts'
import { CommandFailed } from './errors.ts'
import { printable } from '../../etl/text/printable.ts'
import type { Session } from './session.ts'
import { thousands } from '../../etl/text/wording.ts'

/** The options of a command whose work a worker does in the background. */
export interface FollowOptions {
  readonly wait: boolean
  /** Seconds. */
  readonly timeout: number
}

export function withFollowOptions(command: Command): Command {
  return command
    .option('--no-wait', 'only ask for it: a worker does it in the background')
    .option('--timeout <seconds>', 'wait so long; it goes on without you', seconds, 600)
}

const LOOK_EVERY_MS = 250
/** A worker looks for work each second. */
const WORKER_EXPECTED_MS = 10_000
/** Between two lines of progress where no terminal overwrites them. */
const LINE_EVERY_MS = 10_000

/**
 * Waits until a background action is over, and shows on standard error how far it is.
 *
 * @returns the action, succeeded.
 * @throws CommandFailed where it failed, was stopped, or takes longer than `timeout`: then it stays and goes on.
 */
export async function followAction(
  { pool }: Pick<Session, 'pool'>,
  id: number,
  { timeout }: Pick<FollowOptions, 'timeout'>,
): Promise<Action> {
  const started = performance.now()
  const progress = progressLine()
  let asked = false
  try {
    for (;;) {
      const action = await readAction(pool, id)
      const waited = performance.now() - started
      if (action.status === 'succeeded') return action
      if (action.status === 'failed' || action.status === 'stopped')
        throw new CommandFailed(
          `Action ${id} (${action.action}) ${action.status === 'failed' ? 'failed' : 'was stopped'}${howFar(action)}. ` +
            `Let it go on: pulse actions continue ${id}`,
        )
      if (action.status === 'running' || action.done > 0) progress.show(`${action.action}${howFar(action)}`)
      if (action.status === 'pending' && !asked && waited > WORKER_EXPECTED_MS) {
        asked = true
        progress.say(
          `Action ${id} is waiting for a worker. Does one run, and is it not paused? See: pulse status`,
        )
      }
      if (waited > timeout * 1_000) {
        throw new CommandFailed(
          `Action ${id} (${action.action}) is ${action.status}${howFar(action)} after ${timeout} s. ` +
            `It stays, and goes on without this command: pulse actions`,
        )
      }
      await delay(LOOK_EVERY_MS)
    }
  } finally {
    progress.end()
  }
}

function howFar({ done, total, error }: Action): string {
  const ofTotal = total === null ? '' : ` of ${thousands(total)}`
  const records = total === null && done === 0 ? '' : `, ${thousands(done)}${ofTotal}`
  return error === null ? records : `${records}: ${printable(error)}`
}

/** One line that is written over on a terminal; elsewhere a new one now and then, if it changed. */
function progressLine() {
  const { stderr } = process
  let last = ''
  let at = -Infinity
  const clear = () => {
    if (stderr.isTTY && last !== '') stderr.write('\r\u001b[K')
  }
  return {
    show(line: string) {
      const text = printable(line)
      if (text === last) return
      if (stderr.isTTY) {
        clear()
        // A terminal that doesn't know its width says 0.
        stderr.write(text.slice(0, (stderr.columns > 0 ? stderr.columns : 80) - 1))
      } else if (performance.now() - at > LINE_EVERY_MS) {
        stderr.write(`${text}\n`)
        at = performance.now()
      }
      last = text
    },
    say(line: string) {
      clear()
      last = ''
      stderr.write(`${printable(line)}\n`)
    },
    end: clear,
  }
}
