import type { Command } from 'commander'
import { partitionBounds, withAdmin } from '../../etl/kafka/topics.ts'
import { countOutOfReach, requireFillable } from '../../etl/replay/fill.ts'
import { measuredOf, sampleInWords, type ReplayFigures } from '../../etl/replay/figures.ts'
import { planReplay, type ReplayPlan, type ReplayRange } from '../../etl/replay/plan.ts'
import { requestReplay } from '../../etl/replay/request.ts'
import { aligned } from '../../etl/text/table.ts'
import { printable } from '../../etl/text/printable.ts'
import { count, offsets, thousands } from '../../etl/text/wording.ts'
import { addCommand, aMoment, anOffset, aPartition, JSON_OPTION } from './arguments.ts'
import { UsageError } from './errors.ts'
import { followAction, withFollowOptions, type FollowOptions } from './follow-action.ts'
import { confirm, requireReason, thisOperator, withConsentOptions, type ConsentOptions } from './operator.ts'
import { print, printJson } from './output.ts'
import { inSession, type Session } from './session.ts'

interface Options extends RangeOptions, FollowOptions, ConsentOptions {
  readonly dryRun?: boolean
  readonly reason?: string
  readonly json?: boolean
  readonly fill?: string
}

export function addReplay(parent: Command): void {
  const replay = addCommand(
    parent,
    'replay',
    `Reads what was loaded again and brings what is derived of it to the current code and settings. With --fill it gives
rows from before a field was declared its value instead: null becomes what the record says, and nothing else changes.
Loading goes on beside it. --dry-run says what would change.`,
    [
      'replay --all --dry-run',
      'replay --partition 0 --from 100 --to 2000 --reason "New fraud rule: INC-42"',
      'replay --since 2h --yes',
      'replay --fill channel --dry-run',
    ],
  )
    .option('--all', 'everything that was loaded and that Kafka still holds')
    .option('--partition <n>', 'offsets of this partition', aPartition)
    .option('--from <offset>', 'its first offset', anOffset)
    .option('--to <offset>', 'up to this offset, without it; by default as far as was loaded', anOffset)
    .option('--since <when>', 'records that Kafka got since so long ago (30m, 2h, 7d) or a time', aMoment)
    .option('--until <when>', 'up to this time; by default as far as was loaded', aMoment)
    .option(
      '--fill <field>',
      'fill this field where it is null; of everything that Kafka still holds, unless told',
    )
    .option('--dry-run', 'change nothing, say what would change')
    .option('--reason <text>', 'why, for the record')
  withFollowOptions(withConsentOptions(replay).option(...JSON_OPTION)).action((options: Options) =>
    run(replay, options),
  )
}

async function run(command: Command, options: Options): Promise<void> {
  const { dryRun = false, json = false, yes = false, fill } = options
  const range = rangeOf(options) ?? (fill === undefined ? undefined : { kind: 'all' as const })
  if (range === undefined) return command.help({ error: true })
  const reason = options.reason === undefined ? undefined : requireReason(options.reason)
  await inSession(async (session) => {
    const { pool, kafka, stream, config } = session
    const topic = config.KAFKA_TOPIC
    const outOfReach = fill === undefined ? undefined : await beforeFill(session, fill)
    const told = (plan: ReplayPlan) => describe(plan, fill, outOfReach)
    if (!dryRun) {
      const plan = await planReplay(pool, kafka, topic, range)
      const what =
        fill === undefined
          ? 'What is derived of these facts changes.'
          : `Where ${fill} is null it gets what the record says.`
      await confirm(`${told(plan)}\n${what}`, 'replay', yes)
    }
    const { action, plan } = await requestReplay(pool, kafka, thisOperator(options.by), {
      stream,
      topic,
      range,
      dryRun,
      reason,
      fill,
      outOfReach,
    })
    if (dryRun || yes) console.error(told(plan))
    if (!options.wait) {
      if (json) printJson({ actionId: action.id, ...plan, outOfReach })
      else print(`Action ${action.id} waits for a worker. See how far it is: pulse actions`)
      return
    }
    const done = await followAction(session, action.id, options)
    const figures = done.result as unknown as ReplayFigures
    if (json) printJson({ actionId: action.id, runId: done.runId, dryRun, ...plan, outOfReach, ...figures })
    else print(renderFigures(figures, dryRun, fill))
  })
}

/**
 * Whether the field can be filled, and how many rows without it the log says nothing of.
 *
 * @throws ActionRefused that names those that can.
 */
async function beforeFill({ pool, kafka, config, definition }: Session, field: string): Promise<number> {
  requireFillable(definition, field)
  const topic = config.KAFKA_TOPIC
  const bounds = await withAdmin(kafka, (admin) => partitionBounds(admin, topic))
  const starts = new Map(bounds.map(({ partition, start }) => [partition, start]))
  return countOutOfReach(pool, definition, topic, field, starts)
}

/** What will be read and what can't be. */
function describe({ ranges, offsets: total, notes }: ReplayPlan, fill?: string, outOfReach = 0): string {
  return [
    `${count(total, 'offset')} will be read again:`,
    ...ranges.map(({ topic, partition, from, to }) => `  ${topic}/${partition}: ${offsets(from, to)}`),
    ...notes.map((note) => `  ${note}`),
    ...(outOfReach === 0
      ? []
      : [
          `  Left as it is: ${count(outOfReach, 'row')} without ${fill}, whose record Kafka no longer holds.`,
        ]),
  ].join('\n')
}

interface RangeOptions {
  readonly all?: boolean
  readonly partition?: number
  readonly from?: number
  readonly to?: number
  readonly since?: Date
  readonly until?: Date
}

/**
 * The range that the options mean; undefined where there is none.
 *
 * @throws UsageError where they mean more than one, or half of one.
 */
export function rangeOf({ all, partition, from, to, since, until }: RangeOptions): ReplayRange | undefined {
  const byOffset = partition !== undefined || from !== undefined || to !== undefined
  const byTime = since !== undefined || until !== undefined
  if ([all === true, byOffset, byTime].filter(Boolean).length > 1)
    throw new UsageError('Only one of --all, --partition with --from and --to, and --since with --until.')
  if (all === true) return { kind: 'all' }
  if (byOffset) {
    if (partition === undefined || from === undefined)
      throw new UsageError('A range of offsets needs --partition and --from.')
    if (to !== undefined && to <= from) throw new UsageError(`--to ${to} is not after --from ${from}.`)
    return { kind: 'offsets', partition, from, to }
  }
  if (!byTime) return undefined
  if (since === undefined) throw new UsageError('--until needs --since: a time, or --since 7d.')
  if (until !== undefined && until <= since) throw new UsageError('--until is not after --since.')
  return { kind: 'time', from: since.toISOString(), to: until?.toISOString() }
}

const shown = (sum: number | string): string => (typeof sum === 'number' ? thousands(sum) : sum)

/** What a replay found and did, or would do. */
function renderFigures(figures: ReplayFigures, dryRun: boolean, fill?: string): string {
  const { records, facts, changed, samples } = figures
  const measured = measuredOf(figures).map(([name, of, { before, after }]) => [
    printable(`${name} ${of}`.trim()),
    shown(before),
    shown(after),
  ])
  return [
    `${count(changed, 'fact')} ${dryRun ? 'would change' : 'changed'}${fill === undefined ? '' : `, ${fill} filled`}, of ${count(facts, 'fact')} from ${count(records, 'record')}.`,
    ...leftAlone(figures),
    ...(facts === 0 || measured.length === 0
      ? []
      : ['', ...aligned([['', 'before', 'after'], ...measured], () => false)]),
    ...(samples.length === 0
      ? []
      : ['', ...samples.map(sampleInWords).map(({ of, change }) => printable(`${of}  ${change}`))]),
    ...(dryRun ? ['', 'Nothing was changed: it was a dry run.'] : []),
  ].join('\n')
}

/** The records that no fact was held against, and why. */
function leftAlone({ notValid, withoutFact, otherValues, forgotten = 0, gone }: ReplayFigures): string[] {
  const lines: [number, string][] = [
    [notValid, `${count(notValid, 'record')} not valid by the current code: dead letters, as a rule.`],
    [withoutFact, `${count(withoutFact, 'record')} without a fact: duplicates, conflicts, dropped for age.`],
    [otherValues, `${count(otherValues, 'fact')} left alone: the current code reads other values.`],
    [forgotten, `${count(forgotten, 'fact')} left alone: forgotten.`],
    [gone, `${count(gone, 'offset')} passed over: Kafka no longer held them.`],
  ]
  return lines.flatMap(([n, line]) => (n === 0 ? [] : [`  ${line}`]))
}
