import { continueStopped, lookAt, requireMassRejection } from '../../../etl/operations/partitions.ts'
import { confirm } from '../confirm.ts'
import { thisOperator } from '../operator.ts'
import { print } from '../output.ts'
import { inSession } from '../session.ts'
import { count } from '../../../etl/reports/wording.ts'

/** Ends a stop on mass rejection, after saying what that will load. */
export async function continuePartition(
  partition: number,
  { by, yes = false }: { by?: string; yes?: boolean },
): Promise<void> {
  await inSession(async ({ config, pool, kafka }) => {
    const topic = config.KAFKA_TOPIC
    const now = await lookAt(pool, kafka, { topic, partition })
    const { progress, end } = now
    const name = `${topic}/${partition}`
    if (progress.stopCode === null) return print(`${name} is not stopped: nothing to do.`)
    requireMassRejection(now)
    await confirm(
      `${name} is stopped: ${progress.stopReason}.\n` +
        `It will load offsets ${progress.nextOffset} to ${end - 1} (${count(end - progress.nextOffset, 'offset')}), ` +
        `whatever share of them becomes dead letters.`,
      name,
      yes,
    )
    await continueStopped(pool, thisOperator(by), now)
    print(`${name} goes on at its next run, accepted up to offset ${end}. Watch it: pulse status --watch`)
  })
}
