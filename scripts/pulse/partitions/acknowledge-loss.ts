import { acknowledgeLoss, readDataLosses, type DataLoss } from '../../../etl/partitions/losses.ts'
import { CommandFailed, UsageError } from '../errors.ts'
import { thisOperator } from '../operator.ts'
import { print } from '../output.ts'
import { inSession, type Session } from '../session.ts'
import { offsets } from '../../../etl/text/wording.ts'

export async function acknowledge(
  partition: number,
  from: number,
  options: { reason: string; incarnation?: number; by?: string },
): Promise<void> {
  const reason = options.reason.trim()
  if (reason === '') throw new UsageError('--reason is empty: say why, for whoever reads it in a year.')
  await inSession(async (session) => {
    const loss = await theLoss(session, partition, from, options.incarnation)
    if (loss.acknowledgedBy !== null)
      throw new CommandFailed(`It was acknowledged before, by ${loss.acknowledgedBy}: ${loss.reason}`)
    await acknowledgeLoss(session.pool, thisOperator(options.by), loss, reason)
    print(`${loss.topic}/${partition}: the loss of ${offsets(loss.from, loss.to)} is acknowledged.`)
  })
}

async function theLoss(
  { config, pool }: Session,
  partition: number,
  from: number,
  incarnation: number | undefined,
): Promise<DataLoss> {
  const name = `${config.KAFKA_TOPIC}/${partition}`
  const losses = await readDataLosses(pool, config.KAFKA_TOPIC, partition)
  const found = losses.filter(
    (loss) => loss.from === from && loss.incarnation === (incarnation ?? loss.incarnation),
  )
  if (found.length > 1)
    throw new UsageError(`${name} lost offsets from ${from} in more than one incarnation: add --incarnation.`)
  if (found[0] !== undefined) return found[0]
  const open = losses.filter((loss) => loss.acknowledgedBy === null)
  const hint =
    open.length === 0
      ? 'It has no open loss.'
      : `Its open losses begin at ${open.map((loss) => loss.from).join(', ')}.`
  throw new CommandFailed(`${name} has no data loss that begins at ${from}. ${hint}`)
}
