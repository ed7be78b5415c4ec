import type { Command } from 'commander'
import { pause, requestRun, resume } from '../../etl/operations/control.ts'
import { readWorkers } from '../../etl/operations/presence.ts'
import { seconds, withExamples } from './arguments.ts'
import { CommandFailed, UsageError } from './errors.ts'
import { BY_OPTION, thisOperator } from './operator.ts'
import { print } from './output.ts'
import { printable } from '../../etl/text/printable.ts'
import { inSession } from './session.ts'
import { runsEnded, type EndedRun } from './switch/runs-ended.ts'
import { count } from '../../etl/text/wording.ts'

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
