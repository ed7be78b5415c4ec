import {
  continueStopped,
  lookAt,
  requireMayGoOn,
  type PartitionNow,
} from '../../../etl/partitions/stopped.ts'
import { confirm } from '../confirm.ts'
import { thisOperator } from '../operator.ts'
import { print } from '../output.ts'
import { inSession } from '../session.ts'
import { count } from '../../../etl/text/wording.ts'

/** Ends a stop on mass rejection, or for a log that is the known one again, after saying what that will do. */
export async function continuePartition(
  partition: number,
  { by, yes = false }: { by?: string; yes?: boolean },
): Promise<void> {
  await inSession(async ({ config, pool, kafka }) => {
    const topic = config.KAFKA_TOPIC
    const now = await lookAt(pool, kafka, { topic, partition })
    const { progress } = now
    const name = `${topic}/${partition}`
    if (progress.stopCode === null) return print(`${name} is not stopped: nothing to do.`)
    await requireMayGoOn(kafka, now)
    await confirm(`${name} is stopped: ${progress.stopReason}.\n${consequences(now)}`, name, yes)
    await continueStopped(pool, kafka, thisOperator(by), now)
    const accepted = progress.stopCode === 'mass_rejection' ? `, accepted up to offset ${now.end}` : ''
    print(`${name} goes on at its next run${accepted}. Watch it: pulse status --watch`)
  })
}

function consequences({ progress: { stopCode, nextOffset }, end }: PartitionNow): string {
  if (stopCode !== 'mass_rejection')
    return `Its log is the one that was loaded: it goes on at offset ${nextOffset}.`
  return (
    `It will load offsets ${nextOffset} to ${end - 1} (${count(end - nextOffset, 'offset')}), ` +
    'whatever share of them becomes dead letters.'
  )
}
