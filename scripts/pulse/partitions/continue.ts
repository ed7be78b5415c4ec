import { continuePartition } from '../../../etl/warehouse/progress.ts'
import { confirm } from '../confirm.ts'
import { CommandFailed } from '../errors.ts'
import { print } from '../output.ts'
import { inSession } from '../session.ts'
import { count } from '../wording.ts'
import { lookAt } from './log-of.ts'

/**
 * Ends a stop on mass rejection: what the log holds now is loaded, whatever share of it becomes dead
 * letters. Records that come later are held against the ratio again. Other stops are about the log itself
 * and would only come back.
 */
export async function continueStopped(partition: number, { yes = false }: { yes?: boolean }): Promise<void> {
  await inSession(async (session) => {
    const { progress, end } = await lookAt(session, partition)
    const name = `${progress.topic}/${partition}`
    if (progress.stopCode === null) return print(`${name} is not stopped: nothing to do.`)
    if (progress.stopCode !== 'mass_rejection') {
      throw new CommandFailed(
        `${name} is stopped for another reason (${progress.stopCode}: ${progress.stopReason}).\n` +
          `Where the log is a new one: pulse partitions new-incarnation ${partition} --from-beginning`,
      )
    }
    await confirm(
      `${name} is stopped: ${progress.stopReason}.\n` +
        `It will load offsets ${progress.nextOffset} to ${end - 1} (${count(end - progress.nextOffset, 'offset')}), ` +
        `whatever share of them becomes dead letters.`,
      name,
      yes,
    )
    if (!(await continuePartition(session.pool, progress, end)))
      throw new CommandFailed(`${name} is no longer stopped: somebody else let it go on.`)
    print(`${name} goes on at its next run, accepted up to offset ${end}. Watch it: pulse status --watch`)
  })
}
