import { Option, type Command } from 'commander'
import { DEAD_LETTER_CODES } from '../../etl/types.ts'
import { aLimit, aMoment, anId, JSON_OPTION, withExamples } from './arguments.ts'
import { listDeadLetters } from './dead-letters/list.ts'
import { showDeadLetter } from './dead-letters/show.ts'

export function addDeadLetters(parent: Command): void {
  const deadLetters = parent
    .command('dead-letters')
    .description('Records that could not be loaded: why, and what they hold.')
  withExamples(deadLetters, 'dead-letters list --since 2h', 'dead-letters show 12')

  const list = deadLetters
    .command('list')
    .description('Dead letters, newest first, without their payload.')
    .addOption(new Option('--code <code>', 'only those').choices(DEAD_LETTER_CODES))
    .option(
      '--since <when>',
      'only those since so long ago (30m, 2h, 7d) or since a time (ISO 8601)',
      aMoment,
    )
    .option('--limit <n>', 'at most so many', aLimit, 20)
    .option(...JSON_OPTION)
    .action(listDeadLetters)
  withExamples(
    list,
    'dead-letters list --since 2h',
    'dead-letters list --code malformed_json --limit 100 --json',
  )

  const show = deadLetters
    .command('show')
    .description(
      'One dead letter with its headers, key and value. Bytes that a terminal would obey are shown as hex.',
    )
    .argument('<id>', 'its number, as the list has it', anId)
    .option('--full', 'the whole value, however long')
    .option(...JSON_OPTION)
    .action(showDeadLetter)
  withExamples(show, 'dead-letters show 12', 'dead-letters show 12 --json | jq -r .value.base64 | base64 -d')
}
