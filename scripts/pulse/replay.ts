import type { Command } from 'commander'
import { requestReplay } from '../../etl/replay/request.ts'
import { planReplay, type ReplayPlan } from '../../etl/replay/plan.ts'
import type { ReplayFigures } from '../../etl/replay/figures.ts'
import { aMoment, anOffset, aPartition, JSON_OPTION, withExamples } from './arguments.ts'
import { confirm } from './confirm.ts'
import { UsageError } from './errors.ts'
import { followAction, withFollowOptions, type FollowOptions } from './follow-action.ts'
import { BY_OPTION, thisOperator } from './operator.ts'
import { print, printJson } from './output.ts'
import { rangeOf, type RangeOptions } from './replay/range-of.ts'
import { renderFigures } from './replay/render.ts'
import { inSession } from './session.ts'
import { count, offsets } from '../../etl/text/wording.ts'

interface Options extends RangeOptions, FollowOptions {
  readonly dryRun?: boolean
  readonly reason?: string
  readonly by?: string
  readonly yes?: boolean
  readonly json?: boolean
}

export function addReplay(parent: Command): void {
  const replay = parent
    .command('replay')
    .description(
      'Reads what was loaded again and brings tax and fraud flags to the current code and settings.\nLoading goes on beside it. --dry-run says what would change.',
    )
    .option('--all', 'everything that was loaded and that Kafka still holds')
    .option('--partition <n>', 'offsets of this partition', aPartition)
    .option('--from <offset>', 'its first offset', anOffset)
    .option('--to <offset>', 'up to this offset, without it; by default as far as was loaded', anOffset)
    .option('--since <when>', 'records that Kafka got since so long ago (30m, 2h, 7d) or a time', aMoment)
    .option('--until <when>', 'up to this time; by default as far as was loaded', aMoment)
    .option('--dry-run', 'change nothing, say what would change')
    .option('--reason <text>', 'why, for the record')
    .option(...BY_OPTION)
    .option('--yes', 'do not ask')
    .option(...JSON_OPTION)
  withFollowOptions(replay).action((options: Options) => run(replay, options))
  withExamples(
    replay,
    'replay --all --dry-run',
    'replay --partition 0 --from 100 --to 2000 --reason "New fraud rule: INC-42"',
    'replay --since 2h --yes',
  )
}

async function run(command: Command, options: Options): Promise<void> {
  const range = rangeOf(options)
  if (range === undefined) return command.help({ error: true })
  const dryRun = options.dryRun ?? false
  const reason = options.reason?.trim()
  if (reason === '') throw new UsageError('--reason is empty: say why, for whoever reads it in a year.')
  await inSession(async (session) => {
    const { pool, kafka, config } = session
    const topic = config.KAFKA_TOPIC
    if (!dryRun) {
      const plan = await planReplay(pool, kafka, topic, range)
      await confirm(
        `${describe(plan)}\nTax and fraud flags of these facts change.`,
        'replay',
        options.yes ?? false,
      )
    }
    const { action, plan } = await requestReplay(pool, kafka, thisOperator(options.by), {
      topic,
      range,
      dryRun,
      reason,
    })
    if (dryRun || options.yes === true) console.error(describe(plan))
    if (!options.wait) {
      if (options.json ?? false) printJson({ actionId: action.id, ...plan })
      else print(`Action ${action.id} waits for a worker. See how far it is: pulse actions`)
      return
    }
    const done = await followAction(session, action.id, options)
    const figures = done.result as unknown as ReplayFigures
    if (options.json ?? false)
      printJson({ actionId: action.id, runId: done.runId, dryRun, ...plan, ...figures })
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
