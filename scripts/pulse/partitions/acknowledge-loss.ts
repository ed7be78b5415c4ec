import { acknowledgeDataLoss } from '../../../etl/warehouse/progress.ts'
import { CommandFailed, UsageError } from '../errors.ts'
import { print } from '../output.ts'
import { inSession, type Session } from '../session.ts'
import { offsets } from '../wording.ts'

interface Loss {
  readonly incarnation: number
  readonly from: number
  readonly to: number
  readonly acknowledgedBy: string | null
  readonly reason: string | null
}

/** An operator has seen a data loss: it stays on record with the reason, and no longer fails reconcile. */
export async function acknowledgeLoss(
  partition: number,
  from: number,
  options: { reason: string; incarnation?: number },
): Promise<void> {
  const reason = options.reason.trim()
  if (reason === '') throw new UsageError('--reason is empty: say why, for whoever reads it in a year.')
  await inSession(async (session) => {
    const topic = session.config.KAFKA_TOPIC
    const loss = await theLoss(session, partition, from, options.incarnation)
    if (loss.acknowledgedBy !== null)
      throw new CommandFailed(`It was acknowledged before, by ${loss.acknowledgedBy}: ${loss.reason}`)
    const done = await acknowledgeDataLoss(session.pool, { topic, partition, ...loss }, reason)
    if (!done) throw new CommandFailed('Somebody else has just acknowledged it.')
    print(`${topic}/${partition}: the loss of ${offsets(loss.from, loss.to)} is acknowledged.`)
  })
}

async function theLoss(
  { config, pool }: Session,
  partition: number,
  from: number,
  incarnation: number | undefined,
): Promise<Loss> {
  const name = `${config.KAFKA_TOPIC}/${partition}`
  const { rows } = await pool.query<Loss>(
    `select incarnation, from_offset as "from", to_offset as "to", acknowledged_by as "acknowledgedBy", reason
     from audit.data_losses where topic = $1 and partition = $2 order by incarnation, from_offset`,
    [config.KAFKA_TOPIC, partition],
  )
  const found = rows.filter(
    (row) => row.from === from && row.incarnation === (incarnation ?? row.incarnation),
  )
  if (found.length > 1)
    throw new UsageError(`${name} lost offsets from ${from} in more than one incarnation: add --incarnation.`)
  if (found[0] !== undefined) return found[0]
  const open = rows.filter((row) => row.acknowledgedBy === null)
  const hint =
    open.length === 0
      ? 'It has no open loss.'
      : `Its open losses begin at ${open.map((row) => row.from).join(', ')}.`
  throw new CommandFailed(`${name} has no data loss that begins at ${from}. ${hint}`)
}
