import { Option, type Command } from 'commander'
import { RUN_STATUSES } from '../../etl/schema/audit.ts'
import { readRuns, type Run, type RunStatus } from '../../etl/status/runs.ts'
import { addCommand, aLimit, JSON_OPTION } from './arguments.ts'
import { printRows, type Column } from './output.ts'
import { inSession } from './session.ts'
import { duration } from '../../etl/text/wording.ts'

const COLUMNS: readonly Column<Run>[] = [
  { heading: 'id', of: ({ id }) => String(id) },
  { heading: 'stream', of: ({ stream }) => stream },
  { heading: 'kind', of: ({ kind }) => kind },
  { heading: 'status', of: ({ status }) => status },
  { heading: 'started', of: ({ startedAt }) => startedAt },
  { heading: 'took', of: ({ durationMs }) => (durationMs === null ? null : duration(durationMs)) },
  { heading: 'batches', of: ({ batches }) => batches },
  { heading: 'consumed', of: ({ consumed }) => consumed },
  { heading: 'loaded', of: ({ loaded }) => loaded },
  { heading: 'duplicate', of: ({ duplicate }) => duplicate },
  { heading: 'skipped', of: ({ skipped }) => skipped },
  { heading: 'dead-lettered', of: ({ deadLettered }) => deadLettered },
  { heading: 'retries', of: ({ retries }) => retries },
  { heading: 'error', of: ({ error }) => error },
  { heading: 'worker', of: ({ worker }) => worker },
]

/** Most streams have no envelope that holds records to be skipped. */
const columnsFor = (runs: readonly Run[]): readonly Column<Run>[] =>
  COLUMNS.filter(({ heading }) => heading !== 'skipped' || runs.some(({ skipped }) => skipped > 0))

export function addRuns(parent: Command): void {
  addCommand(parent, 'runs', 'The runs of the job, newest first.', [
    'runs',
    'runs --status failed --limit 5',
    'runs --json',
  ])
    .option('--limit <n>', 'at most so many', aLimit, 20)
    .addOption(new Option('--status <status>', 'only those').choices(RUN_STATUSES))
    .option(...JSON_OPTION)
    .action((options: { limit: number; status?: RunStatus; json?: boolean }) =>
      inSession(async ({ pool, isOfOne, stream }) => {
        const { limit, status } = options
        const runs = await readRuns(pool, { stream: isOfOne ? stream : undefined, limit, status })
        printRows(runs, columnsFor(runs), { json: options.json ?? false, none: 'There was no such run.' })
      }),
    )
}
