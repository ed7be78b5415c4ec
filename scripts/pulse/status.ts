import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { readStatus } from '../../etl/status/status.ts'
import { seconds, withExamples } from './arguments.ts'
import { sentenceOf } from './errors.ts'
import { print, printJson } from './output.ts'
import { inSession, type Session } from './session.ts'
import { renderStatus } from './status/render.ts'

interface Options {
  readonly watch?: true | number
  readonly json?: boolean
}

const DEFAULT_SECONDS = 5
const CLEAR_SCREEN = '\u001b[H\u001b[2J'

export function addStatus(parent: Command): void {
  const command = parent
    .command('status')
    .description('What the job is doing: lag, last run, freshness, and what waits for an operator.')
    .option('--watch [seconds]', `again and again, every ${DEFAULT_SECONDS} seconds by default`, seconds)
    .option('--json', 'print JSON instead; with --watch one object in a line')
    .action(run)
  withExamples(command, 'status', 'status --watch 2', "status --json | jq '.partitions[].lag'")
}

async function run({ watch, json = false }: Options): Promise<void> {
  await inSession(async (session) => {
    if (watch === undefined) {
      const status = await readStatus(session)
      if (json) printJson(status)
      else print(renderStatus(status))
      return
    }
    const every = (watch === true ? DEFAULT_SECONDS : watch) * 1_000
    for (;;) {
      await show(session, json)
      await delay(every)
    }
  })
}

/** Whoever watches wants to see it come back: an error is told, and ends nothing. */
async function show(session: Session, json: boolean): Promise<void> {
  try {
    const status = await readStatus(session)
    if (json) printJson(status, 0)
    else print(`${process.stdout.isTTY ? CLEAR_SCREEN : ''}${renderStatus(status)}\n`)
  } catch (error) {
    console.error(`${new Date().toISOString()} ${sentenceOf(error)}`)
  }
}
