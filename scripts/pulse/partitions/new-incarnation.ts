import { lookAt, newIncarnation, requireOffset, type PartitionNow } from '../../../etl/partitions/stopped.ts'
import { confirm } from '../confirm.ts'
import { UsageError } from '../errors.ts'
import { thisOperator } from '../operator.ts'
import { print } from '../output.ts'
import { inSession } from '../session.ts'
import { count } from '../../../etl/text/wording.ts'

interface Options {
  readonly fromBeginning?: boolean
  readonly from?: number
  readonly by?: string
  readonly yes?: boolean
}

/** Takes up the log that Kafka has now as a new one, from its beginning or an offset. */
export async function beginNewIncarnation(partition: number, options: Options): Promise<void> {
  if ((options.fromBeginning === true) === (options.from !== undefined))
    throw new UsageError('One of --from-beginning and --from <offset> is needed.')
  await inSession(async ({ config, pool, kafka }) => {
    const topic = config.KAFKA_TOPIC
    const now = await lookAt(pool, kafka, { topic, partition })
    const name = `${topic}/${partition}`
    const offset = options.from ?? now.start
    requireOffset(now, offset)
    await confirm(consequences(now, offset), name, options.yes ?? false)
    await newIncarnation(pool, thisOperator(options.by), now, offset)
    print(
      `${name} is in incarnation ${now.progress.incarnation + 1} and goes on from offset ${offset} at its next run.`,
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
