import type { Command } from 'commander'
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
import { inSession } from './session.ts'

interface Options extends RangeOptions, FollowOptions, ConsentOptions {
  readonly dryRun?: boolean
  readonly reason?: string
  readonly json?: boolean
}

export function addReplay(parent: Command): void {
  const replay = addCommand(
    parent,
    'replay',
    'Reads what was loaded again and brings what is derived of it to the current code and settings.\nLoading goes on beside it. --dry-run says what would change.',
    [
      'replay --all --dry-run',
      'replay --partition 0 --from 100 --to 2000 --reason "New fraud rule: INC-42"',
      'replay --since 2h --yes',
    ],
  )
    .option('--all', 'everything that was loaded and that Kafka still holds')
    .option('--partition <n>', 'offsets of this partition', aPartition)
    .option('--from <offset>', 'its first offset', anOffset)
    .option('--to <offset>', 'up to this offset, without it; by default as far as was loaded', anOffset)
    .option('--since <when>', 'records that Kafka got since so long ago (30m, 2h, 7d) or a time', aMoment)
    .option('--until <when>', 'up to this time; by default as far as was loaded', aMoment)
    .option('--dry-run', 'change nothing, say what would change')
    .option('--reason <text>', 'why, for the record')
  withFollowOptions(withConsentOptions(replay).option(...JSON_OPTION)).action((options: Options) =>
    run(replay, options),
  )
}

async function run(command: Command, options: Options): Promise<void> {
  const range = rangeOf(options)
  if (range === undefined) return command.help({ error: true })
  const { dryRun = false, json = false, yes = false } = options
  const reason = options.reason === undefined ? undefined : requireReason(options.reason)
  await inSession(async (session) => {
    const { pool, kafka, stream, config } = session
    const topic = config.KAFKA_TOPIC
    if (!dryRun) {
      const plan = await planReplay(pool, kafka, topic, range)
      await confirm(`${describe(plan)}\nWhat is derived of these facts changes.`, 'replay', yes)
    }
    const { action, plan } = await requestReplay(pool, kafka, thisOperator(options.by), {
      stream,
      topic,
      range,
      dryRun,
      reason,
    })
    if (dryRun || yes) console.error(describe(plan))
    if (!options.wait) {
      if (json) printJson({ actionId: action.id, ...plan })
      else print(`Action ${action.id} waits for a worker. See how far it is: pulse actions`)
      return
    }
    const done = await followAction(session, action.id, options)
    const figures = done.result as unknown as ReplayFigures
    if (json) printJson({ actionId: action.id, runId: done.runId, dryRun, ...plan, ...figures })
    else print(renderFigures(figures, dryRun))
  })
}

/** What will be read and what can't be. */
function describe({ ranges, offsets: total, notes }: ReplayPlan): string {
  return [
    `${count(total, 'offset')} will be read again:`,
    ...ranges.map(({ topic, partition, from, to }) => `  ${topic}/${partition}: ${offsets(from, to)}`),
    ...notes.map((note) => `  ${note}`),
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
function renderFigures(figures: ReplayFigures, dryRun: boolean): string {
  const { records, facts, changed, samples } = figures
  const measured = measuredOf(figures).map(([name, of, { before, after }]) => [
    printable(`${name} ${of}`.trim()),
    shown(before),
    shown(after),
  ])
  return [
    `${count(changed, 'fact')} ${dryRun ? 'would change' : 'changed'}, of ${count(facts, 'fact')} from ${count(records, 'record')}.`,
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
function leftAlone({ notValid, withoutFact, otherValues, gone }: ReplayFigures): string[] {
  const lines: [number, string][] = [
    [notValid, `${count(notValid, 'record')} not valid by the current code: dead letters, as a rule.`],
    [withoutFact, `${count(withoutFact, 'record')} without a fact: duplicates, conflicts, dropped for age.`],
    [otherValues, `${count(otherValues, 'fact')} left alone: the current code reads other values.`],
    [gone, `${count(gone, 'offset')} passed over: Kafka no longer held them.`],
  ]
  return lines.flatMap(([n, line]) => (n === 0 ? [] : [`  ${line}`]))
}
