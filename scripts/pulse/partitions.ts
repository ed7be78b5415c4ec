import type { Command } from 'commander'
import {
  continueStopped,
  howItGoesOn,
  lookAt,
  newIncarnation,
  requireMayGoOn,
  requireOffset,
  type PartitionNow,
} from '../../etl/partitions/stopped.ts'
import { alias, sql } from '../../etl/postgres/drizzle.ts'
import { columnsOf, read, type Row } from '../../etl/postgres/query.ts'
import { partitionProgress } from '../../etl/schema/audit.ts'
import { acknowledgeLoss, readDataLosses, type DataLoss } from '../../etl/partitions/losses.ts'
import { lookAtGroup, takeOverGroup } from '../../etl/partitions/take-over.ts'
import { count, offsets } from '../../etl/text/wording.ts'
import { addCommand, anOffset, aPartition, JSON_OPTION } from './arguments.ts'
import { CommandFailed, UsageError } from './errors.ts'
import {
  BY_OPTION,
  confirm,
  requireReason,
  thisOperator,
  withConsentOptions,
  type ConsentOptions,
} from './operator.ts'
import { print, printRows, type Column } from './output.ts'
import { inSession, type Session } from './session.ts'

const PARTITION = ['<partition>', 'its number', aPartition] as const

export function addPartitions(parent: Command): void {
  const partitions = addCommand(
    parent,
    'partitions',
    'Watermarks, and what to do with a partition that stands still.',
    ['partitions list', 'partitions continue 0', 'partitions new-incarnation 0 --from-beginning'],
  )
  addCommand(partitions, 'list', 'The watermarks.', [
    'partitions list',
    "partitions list --json | jq '.[] | select(.stopCode)'",
  ])
    .option(...JSON_OPTION)
    .action(listPartitions)
  const go = addCommand(
    partitions,
    'continue',
    'Lets a partition go on that stopped because most of its records were rejected, or for a log that is the known one again.',
    ['partitions continue 0', 'partitions continue 0 --yes'],
  ).argument(...PARTITION)
  withConsentOptions(go).action(continuePartition)
  const anew = addCommand(
    partitions,
    'new-incarnation',
    'Takes up the log of a partition that is not the log we knew: a topic made anew, another cluster.',
    ['partitions new-incarnation 0 --from-beginning', 'partitions new-incarnation 0 --from 1200 --yes'],
  )
    .argument(...PARTITION)
    .option('--from-beginning', 'load it from the first offset that it holds')
    .option('--from <offset>', 'load it from this offset', anOffset)
    .option('--twice <facts>', 'where each record is a fact: how many may then be there twice', anOffset)
  withConsentOptions(anew).action(beginNewIncarnation)
  const over = addCommand(
    partitions,
    'take-over',
    'Makes the consumer group this warehouse’s, where it takes the place of the one that had it.',
    ['partitions take-over', 'partitions take-over --yes'],
  )
  withConsentOptions(over).action(takeOver)
  addCommand(
    partitions,
    'acknowledge-loss',
    'Takes note of offsets that the log lost before they were loaded, so that reconcile can balance.',
    ['partitions acknowledge-loss 0 1200 --reason "Outage of 3 May: INC-42"'],
  )
    .argument(...PARTITION)
    .argument('<from-offset>', 'where the loss begins', anOffset)
    .requiredOption('--reason <text>', 'why, for whoever reads it in a year')
    .option('--incarnation <n>', 'of an earlier incarnation', aPartition)
    .option(...BY_OPTION)
    .action(acknowledge)
}

const p = alias(partitionProgress, 'p')
const WATERMARK = {
  ...columnsOf(p, 'topic', 'partition', 'incarnation', 'firstOffset', 'nextOffset', 'acceptedUntil'),
  ...columnsOf(p, 'clusterId', 'updatedAt'),
  openLosses: sql<number>`(select count(*) from audit.data_losses l
    where l.topic = p.topic and l.partition = p.partition and acknowledged_at is null)`,
  ...columnsOf(p, 'stoppedAt', 'stopCode', 'stopReason'),
}

const COLUMNS: readonly Column<Row<typeof WATERMARK>>[] = [
  { heading: 'topic', of: ({ topic }) => topic },
  { heading: 'partition', of: ({ partition }) => String(partition) },
  { heading: 'incarnation', of: ({ incarnation }) => incarnation },
  { heading: 'first', of: ({ firstOffset }) => firstOffset },
  { heading: 'watermark', of: ({ nextOffset }) => nextOffset },
  { heading: 'accepted until', of: ({ acceptedUntil }) => acceptedUntil },
  { heading: 'open losses', of: ({ openLosses }) => openLosses },
  { heading: 'updated', of: ({ updatedAt }) => updatedAt },
  { heading: 'code', of: ({ stopCode }) => stopCode },
  { heading: 'stopped', of: ({ stoppedAt }) => stoppedAt },
  { heading: 'reason', of: ({ stopReason }) => stopReason },
]

/** The watermarks as the warehouse has them; `pulse status` holds them against Kafka. */
async function listPartitions({ json = false }: { json?: boolean }): Promise<void> {
  await inSession(async ({ pool }) => {
    const watermarks = await read(
      pool,
      WATERMARK,
      (columns) => sql`select ${columns} from audit.partition_progress p order by topic, partition`,
    )
    printRows(watermarks, COLUMNS, { json, none: 'No partition has a watermark: nothing was loaded yet.' })
  })
}

/** Ends a stop on mass rejection, or for a log that is the known one again, after saying what that will do. */
async function continuePartition(partition: number, { by, yes }: ConsentOptions): Promise<void> {
  await inSession(async ({ config, pool, kafka }) => {
    const topic = config.KAFKA_TOPIC
    const now = await lookAt(pool, kafka, { topic, partition })
    const { progress } = now
    const name = `${topic}/${partition}`
    if (progress.stopCode === null) return print(`${name} is not stopped: nothing to do.`)
    await requireMayGoOn(kafka, now)
    await confirm(`${name} is stopped: ${progress.stopReason}.\n${whatIsLoaded(now)}`, name, yes)
    await continueStopped(pool, kafka, thisOperator(by), now)
    const accepted = progress.stopCode === 'mass_rejection' ? `, accepted up to offset ${now.end}` : ''
    print(`${name} goes on at its next run${accepted}. Watch it: pulse status --watch`)
  })
}

function whatIsLoaded({ progress, end }: PartitionNow): string {
  const { stopCode, nextOffset } = progress
  if (stopCode !== 'mass_rejection') return howItGoesOn(progress)
  return (
    `It will load offsets ${nextOffset} to ${end - 1} (${count(end - nextOffset, 'offset')}), ` +
    'whatever share of them becomes dead letters.'
  )
}

/** Takes up the log that Kafka has now as a new one, from its beginning or an offset. */
async function beginNewIncarnation(
  partition: number,
  options: ConsentOptions & { fromBeginning?: boolean; from?: number; twice?: number },
): Promise<void> {
  if ((options.fromBeginning === true) === (options.from !== undefined))
    throw new UsageError('One of --from-beginning and --from <offset> is needed.')
  await inSession(async ({ config, pool, kafka }) => {
    const topic = config.KAFKA_TOPIC
    const now = await lookAt(pool, kafka, { topic, partition })
    const name = `${topic}/${partition}`
    const offset = options.from ?? now.start
    requireOffset(now, offset)
    await confirm(whatIsReadAnew(now, offset), name, options.yes)
    await newIncarnation(pool, thisOperator(options.by), now, offset, options.twice)
    print(
      `${name} is in incarnation ${now.progress.incarnation + 1} and goes on from offset ${offset} at its next run.`,
    )
  })
}

function whatIsReadAnew({ progress, start, end }: PartitionNow, offset: number): string {
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

/** Makes the consumer group this warehouse's, after saying whose it is. */
async function takeOver({ by, yes }: ConsentOptions): Promise<void> {
  await inSession(async ({ config, stream, pool, kafka }) => {
    const { KAFKA_TOPIC: topic, KAFKA_GROUP_ID: groupId } = config
    const now = await lookAtGroup(pool, kafka, { stream, topic, groupId })
    if (now.others.length === 0) return print(`The group ${groupId} is this warehouse's: nothing to do.`)
    await confirm(
      `The offsets of group ${groupId} are those of ${now.others.join(' and ')}.\n` +
        `This is ${now.owner}. It will have the group for itself and load ${topic} from its own watermarks; ` +
        'the other one, should it start again, stays out and says so.',
      groupId,
      yes,
    )
    await takeOverGroup(pool, kafka, thisOperator(by), now)
    print(
      `The group ${groupId} is this warehouse's. Its partitions go on at the next run: pulse status --watch`,
    )
  })
}

async function acknowledge(
  partition: number,
  from: number,
  options: { reason: string; incarnation?: number; by?: string },
): Promise<void> {
  const reason = requireReason(options.reason)
  await inSession(async (session) => {
    const loss = await theLoss(session, partition, from, options.incarnation)
    if (loss.acknowledgedBy !== null)
      throw new CommandFailed(`It was acknowledged before, by ${loss.acknowledgedBy}: ${loss.reason}`)
    await acknowledgeLoss(session.pool, thisOperator(options.by), { stream: session.stream, ...loss }, reason)
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
