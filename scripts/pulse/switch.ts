import type { Command } from 'commander'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { pause, requestRun, resume } from '../../etl/operations/control.ts'
import { readWorkers } from '../../etl/operations/presence.ts'
import { sql } from '../../etl/postgres/drizzle.ts'
import { columnsOf, read, type Row } from '../../etl/postgres/query.ts'
import { pipelineRuns } from '../../etl/schema/audit.ts'
import { printable } from '../../etl/text/printable.ts'
import { count } from '../../etl/text/wording.ts'
import { addCommand, seconds } from './arguments.ts'
import { CommandFailed } from './errors.ts'
import { BY_OPTION, requireReason, thisOperator } from './operator.ts'
import { print } from './output.ts'
import { inSession } from './session.ts'

/** The switch and the bell: they reach every worker within a second or two, through the warehouse. */
export function addSwitch(parent: Command): void {
  addCommand(
    parent,
    'pause',
    'Stops all streams, or the one that --stream names, in all workers at their next batch: ticks, replays, redrives, housekeeping.',
    [
      'pause --reason "Moving the warehouse: INC-42"',
      'pause --stream transactions --reason "Moving the warehouse: INC-42"',
    ],
  )
    .requiredOption('--reason <text>', 'why, for whoever finds it paused')
    .option(...BY_OPTION)
    .action((options: { reason: string; by?: string }) => {
      const reason = requireReason(options.reason, 'whoever finds it paused')
      return inSession(async ({ pool, only }) => {
        await pause(pool, thisOperator(options.by), only, reason)
        const { what, option } = inWords(only)
        print(`Paused: nothing${what} is loaded until somebody resumes. Let it go on: pulse resume${option}`)
      })
    })
  addCommand(
    parent,
    'resume',
    'Lets all streams, or the one of --stream, go on; what fell due meanwhile is run at once.',
    ['resume', 'resume --stream transactions'],
  )
    .option(...BY_OPTION)
    .action(({ by }: { by?: string }) =>
      inSession(async ({ pool, only }) => {
        await resume(pool, thisOperator(by), only)
        print('Resumed. Watch it: pulse status --watch')
      }),
    )
  addCommand(parent, 'trigger', 'Lets every worker run now, or right after the run that is under way.', [
    'trigger',
    'trigger --wait --timeout 60',
  ])
    .option('--wait', 'wait until each worker has ended a run that began after this')
    .option('--timeout <seconds>', 'with --wait: so long', seconds, 600)
    .option(...BY_OPTION)
    .action(({ wait = false, timeout, by }: { wait?: boolean; timeout: number; by?: string }) =>
      inSession(async ({ pool, only, installed }) => {
        const named = only === null ? installed.map(({ definition }) => definition.name) : [only]
        const told = await Promise.all(
          named.map(async (stream) => ({
            stream,
            workers: (await readWorkers(pool, stream)).map(({ name }) => name),
          })),
        )
        const { requestedAt } = await requestRun(pool, thisOperator(by), only)
        const workers = [...new Set(told.flatMap((one) => one.workers))]
        if (workers.length === 0)
          throw new CommandFailed('No worker is there to run: it runs when one starts. See: pulse status')
        print(`${count(workers.length, 'worker')} told to run: ${workers.join(', ')}`)
        if (!wait) return
        const ended = told.map((one) => runsEnded(pool, one.stream, one.workers, requestedAt, timeout))
        report((await Promise.all(ended)).flat())
      }),
    )
}

const inWords = (only: string | null) =>
  only === null ? { what: '', option: '' } : { what: ` of ${only}`, option: ` --stream ${only}` }

/** @throws CommandFailed where a run failed. */
function report(runs: readonly EndedRun[]): void {
  for (const { id, worker, status, consumed, error } of runs)
    print(
      `Run ${id} (${worker}) ${status}, ${count(consumed, 'record')}${error === null ? '' : `: ${printable(error)}`}`,
    )
  if (runs.some(({ status }) => status !== 'succeeded')) throw new CommandFailed('Not every run succeeded.')
}

/** Of a run that brought new records in, or tried to. */
const ENDED_RUN = columnsOf(pipelineRuns, 'id', 'worker', 'status', 'consumed', 'error')
type EndedRun = Row<typeof ENDED_RUN>

const LOOK_EVERY_MS = 250

/**
 * Waits until each of these workers has ended a run that began after a moment.
 *
 * @returns the first such run of each.
 * @throws CommandFailed after `timeout` seconds: the runs go on.
 */
async function runsEnded(
  pool: Pool,
  stream: string,
  workers: readonly string[],
  after: Date,
  timeout: number,
): Promise<EndedRun[]> {
  const deadline = performance.now() + timeout * 1_000
  for (;;) {
    const runs = await read(
      pool,
      ENDED_RUN,
      (columns) => sql`
        select distinct on (worker) ${columns} from ${pipelineRuns}
        where kind in ('tick', 'manual') and stream = ${stream} and worker = any(${sql.param(workers)}) and started_at >= ${after}
          and status <> 'running'
        order by worker, id`,
    )
    if (runs.length === workers.length) return runs
    if (performance.now() > deadline) {
      const ended = new Set(runs.map(({ worker }) => worker))
      const slow = workers.filter((worker) => !ended.has(worker))
      throw new CommandFailed(`After ${timeout} s no run has ended of: ${slow.join(', ')}. See: pulse status`)
    }
    await delay(LOOK_EVERY_MS)
  }
}
