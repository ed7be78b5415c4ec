import type { Command } from 'commander'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { pause, requestRun, resume } from '../../etl/operations/control.ts'
import { readWorkers } from '../../etl/operations/presence.ts'
import { printable } from '../../etl/text/printable.ts'
import { count } from '../../etl/text/wording.ts'
import { seconds, withExamples } from './arguments.ts'
import { CommandFailed, UsageError } from './errors.ts'
import { BY_OPTION, thisOperator } from './operator.ts'
import { print } from './output.ts'
import { inSession } from './session.ts'

/** The switch and the bell: they reach every worker within a second or two, through the warehouse. */
export function addSwitch(parent: Command): void {
  const stop = parent
    .command('pause')
    .description('Stops all workers at their next batch: ticks, replays, redrives, housekeeping.')
    .requiredOption('--reason <text>', 'why, for whoever finds it paused')
    .option(...BY_OPTION)
    .action(({ reason, by }: { reason: string; by?: string }) => {
      if (reason.trim() === '')
        throw new UsageError('--reason is empty: say why, for whoever finds it paused.')
      return inSession(async ({ pool }) => {
        await pause(pool, thisOperator(by), reason.trim())
        print('Paused: nothing is loaded until somebody resumes. Let it go on: pulse resume')
      })
    })
  withExamples(stop, 'pause --reason "Moving the warehouse: INC-42"')

  const go = parent
    .command('resume')
    .description('Lets all workers go on; what fell due meanwhile is run at once.')
    .option(...BY_OPTION)
    .action(({ by }: { by?: string }) =>
      inSession(async ({ pool }) => {
        await resume(pool, thisOperator(by))
        print('Resumed. Watch it: pulse status --watch')
      }),
    )
  withExamples(go, 'resume')

  const trigger = parent
    .command('trigger')
    .description('Lets every worker run now, or right after the run that is under way.')
    .option('--wait', 'wait until each worker has ended a run that began after this')
    .option('--timeout <seconds>', 'with --wait: so long', seconds, 600)
    .option(...BY_OPTION)
    .action(({ wait = false, timeout, by }: { wait?: boolean; timeout: number; by?: string }) =>
      inSession(async ({ pool }) => {
        const workers = (await readWorkers(pool)).map(({ name }) => name)
        const { requestedAt } = await requestRun(pool, thisOperator(by))
        if (workers.length === 0)
          throw new CommandFailed('No worker is there to run: it runs when one starts. See: pulse status')
        print(`${count(workers.length, 'worker')} told to run: ${workers.join(', ')}`)
        if (wait) report(await runsEnded(pool, workers, requestedAt, timeout))
      }),
    )
  withExamples(trigger, 'trigger', 'trigger --wait --timeout 60')
}

/** @throws CommandFailed where a run failed. */
function report(runs: readonly EndedRun[]): void {
  for (const { id, worker, status, consumed, error } of runs)
    print(
      `Run ${id} (${worker}) ${status}, ${count(consumed, 'record')}${error === null ? '' : `: ${printable(error)}`}`,
    )
  if (runs.some(({ status }) => status !== 'succeeded')) throw new CommandFailed('Not every run succeeded.')
}

/** A run that brought new records in, or tried to. */
export interface EndedRun {
  readonly id: number
  readonly worker: string
  readonly status: string
  readonly consumed: number
  readonly error: string | null
}

const LOOK_EVERY_MS = 250

/**
 * Waits until each of these workers has ended a run that began after a moment.
 *
 * @returns the first such run of each.
 * @throws CommandFailed after `timeout` seconds: the runs go on.
 */
export async function runsEnded(
  pool: Pool,
  workers: readonly string[],
  after: Date,
  timeout: number,
): Promise<EndedRun[]> {
  const deadline = performance.now() + timeout * 1_000
  for (;;) {
    const { rows } = await pool.query<EndedRun>(
      `select distinct on (worker) id, worker, status, consumed, error
       from audit.pipeline_runs
       where kind in ('tick', 'manual') and worker = any($1) and started_at >= $2 and status <> 'running'
       order by worker, id`,
      [workers, after],
    )
    if (rows.length === workers.length) return rows
    if (performance.now() > deadline) {
      const ended = new Set(rows.map(({ worker }) => worker))
      const slow = workers.filter((worker) => !ended.has(worker))
      throw new CommandFailed(`After ${timeout} s no run has ended of: ${slow.join(', ')}. See: pulse status`)
    }
    await delay(LOOK_EVERY_MS)
  }
}
