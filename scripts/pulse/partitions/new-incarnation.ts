import { beginIncarnation, lockProgress } from '../../../etl/warehouse/progress.ts'
import { commit, inTransaction, rollback } from '../../../etl/warehouse/transaction.ts'
import { confirm } from '../confirm.ts'
import { CommandFailed, UsageError } from '../errors.ts'
import { print } from '../output.ts'
import { inSession } from '../session.ts'
import { count } from '../wording.ts'
import { lookAt, type PartitionNow } from './log-of.ts'

interface Options {
  readonly fromBeginning?: boolean
  readonly from?: number
  readonly yes?: boolean
}

/**
 * Takes up the log that Kafka has now as a new one, from its beginning or an offset: its offsets are used
 * a second time and mean other records. Facts stay; an order that comes again is a duplicate.
 */
export async function newIncarnation(partition: number, options: Options): Promise<void> {
  if ((options.fromBeginning === true) === (options.from !== undefined))
    throw new UsageError('One of --from-beginning and --from <offset> is needed.')
  await inSession(async (session) => {
    const now = await lookAt(session, partition)
    const { progress } = now
    const name = `${progress.topic}/${partition}`
    const offset = options.from ?? now.start
    if (offset < now.start || offset > now.end)
      throw new CommandFailed(
        `${name} holds offsets ${now.start} to ${now.end}: it can't begin at ${offset}.`,
      )
    await confirm(consequences(now, offset), name, options.yes ?? false)
    const begun = await inTransaction(session.pool, async (client) => {
      const locked = await lockProgress(client, progress)
      // What was confirmed must still be so.
      if (locked.incarnation !== progress.incarnation || locked.stopCode !== progress.stopCode)
        return rollback(false)
      await beginIncarnation(client, progress, offset, now)
      return commit(true)
    })
    if (!begun)
      throw new CommandFailed(`${name} was changed meanwhile; nothing was done. Look again: pulse status`)
    print(
      `${name} is in incarnation ${progress.incarnation + 1} and goes on from offset ${offset} at its next run.`,
    )
  })
}

function consequences({ progress, start, end }: PartitionNow, offset: number): string {
  const name = `${progress.topic}/${progress.partition}`
  const state =
    progress.stopCode === null
      ? `${name} is not stopped: as far as the job knows its log is the one it was loading, at ${progress.nextOffset}.`
      : `${name} is stopped (${progress.stopCode}): ${progress.stopReason}.`
  const skipped =
    offset === start
      ? ''
      : `\nOffsets ${start} to ${offset - 1} of the log (${count(offset - start, 'offset')}) are never read.`
  return (
    `${state}\nIncarnation ${progress.incarnation + 1} begins at offset ${offset} of a log that holds ${start} to ${end}. ` +
    `Its records are read as new ones; orders that are in the warehouse become duplicates.${skipped}`
  )
}
