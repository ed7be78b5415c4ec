import type { Command } from 'commander'
import { anOffset, aPartition, JSON_OPTION, withExamples } from './arguments.ts'
import { BY_OPTION } from './operator.ts'
import { acknowledge } from './partitions/acknowledge-loss.ts'
import { continuePartition } from './partitions/continue.ts'
import { listPartitions } from './partitions/list.ts'
import { beginNewIncarnation } from './partitions/new-incarnation.ts'
import { takeOver } from './partitions/take-over.ts'

export function addPartitions(parent: Command): void {
  const partitions = parent
    .command('partitions')
    .description('Watermarks, and what to do with a partition that stands still.')
  withExamples(
    partitions,
    'partitions list',
    'partitions continue 0',
    'partitions new-incarnation 0 --from-beginning',
  )

  const list = partitions
    .command('list')
    .description('The watermarks.')
    .option(...JSON_OPTION)
    .action(listPartitions)
  withExamples(list, 'partitions list', "partitions list --json | jq '.[] | select(.stopCode)'")

  const go = partitions
    .command('continue')
    .description(
      'Lets a partition go on that stopped because most of its records were rejected, or for a log that is the known one again.',
    )
    .argument('<partition>', 'its number', aPartition)
    .option(...BY_OPTION)
    .option('--yes', 'do not ask')
    .action(continuePartition)
  withExamples(go, 'partitions continue 0', 'partitions continue 0 --yes')

  const anew = partitions
    .command('new-incarnation')
    .description(
      'Takes up the log of a partition that is not the log we knew: a topic made anew, another cluster.',
    )
    .argument('<partition>', 'its number', aPartition)
    .option('--from-beginning', 'load it from the first offset that it holds')
    .option('--from <offset>', 'load it from this offset', anOffset)
    .option(...BY_OPTION)
    .option('--yes', 'do not ask')
    .action(beginNewIncarnation)
  withExamples(
    anew,
    'partitions new-incarnation 0 --from-beginning',
    'partitions new-incarnation 0 --from 1200 --yes',
  )

  const over = partitions
    .command('take-over')
    .description(
      'Makes the consumer group this warehouse’s, where it takes the place of the one that had it.',
    )
    .option(...BY_OPTION)
    .option('--yes', 'do not ask')
    .action(takeOver)
  withExamples(over, 'partitions take-over', 'partitions take-over --yes')

  const loss = partitions
    .command('acknowledge-loss')
    .description(
      'Takes note of offsets that the log lost before they were loaded, so that reconcile can balance.',
    )
    .argument('<partition>', 'its number', aPartition)
    .argument('<from-offset>', 'where the loss begins', anOffset)
    .requiredOption('--reason <text>', 'why, for whoever reads it in a year')
    .option('--incarnation <n>', 'of an earlier incarnation', aPartition)
    .option(...BY_OPTION)
    .action(acknowledge)
  withExamples(loss, 'partitions acknowledge-loss 0 1200 --reason "Outage of 3 May: INC-42"')
}
