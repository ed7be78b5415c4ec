import type { Command } from 'commander'
import { addCommand, aLimit, anId, JSON_OPTION } from './arguments.ts'
import { dismissDeadLetters, redriveDeadLetters, withActOptions } from './dead-letters/bulk-action.ts'
import {
  printDeadLetters,
  printGroups,
  showDeadLetter,
  stateOption,
  withFilterOptions,
} from './dead-letters/look.ts'

export function addDeadLetters(parent: Command): void {
  const deadLetters = addCommand(
    parent,
    'dead-letters',
    'Records that could not be loaded: why, what they hold, and what to do about them.',
    [
      'dead-letters groups',
      'dead-letters show 12',
      'dead-letters redrive 12 --value-file corrected.json',
      'dead-letters dismiss --failure "malformed_json" --reason "Test data: INC-42"',
    ],
  )
  const groups = addCommand(
    deadLetters,
    'groups',
    'Dead letters by what went wrong: code and field, how many, since when, and one of them.',
    ['dead-letters groups', 'dead-letters groups --since 2h'],
  )
  withFilterOptions(groups)
    .addOption(stateOption())
    .option(...JSON_OPTION)
    .action(printGroups)
  const list = addCommand(deadLetters, 'list', 'Dead letters, newest first, without their payload.', [
    'dead-letters list --since 2h',
    'dead-letters list --code malformed_json --limit 100 --json',
    'dead-letters list --text customer-17 --state all',
  ])
  withFilterOptions(list)
    .addOption(stateOption())
    .option('--limit <n>', 'at most so many', aLimit, 20)
    .option('--before <id>', 'older ones than this: the last of the page before', anId)
    .option(...JSON_OPTION)
    .action(printDeadLetters)
  addCommand(
    deadLetters,
    'show',
    'One dead letter with its headers, key and value, its attempts and what was done about it.\nBytes that a terminal would obey are shown as hex.',
    ['dead-letters show 12', 'dead-letters show 12 --json | jq -r .value.base64 | base64 -d'],
  )
    .argument('<id>', 'its number, as the list has it', anId)
    .option('--full', 'the whole value, however long')
    .option(...JSON_OPTION)
    .action(showDeadLetter)
  const redrive = addCommand(
    deadLetters,
    'redrive',
    'Sends the records of open dead letters to their topic again, as they were, or one of them corrected.\nLoaded or a duplicate resolves a dead letter; one that fails again is a new one that points to the first.',
    [
      'dead-letters redrive 12 13',
      'dead-letters redrive 12 --value-file corrected.json',
      'dead-letters redrive --failure "timestamp_out_of_range timestamp" --dry-run',
      'dead-letters redrive --code rejected_by_warehouse --since 2h --yes',
    ],
  )
    .option('--value-file <file>', 'send what this file holds instead; - is standard input; for exactly one')
    .option('--reason <text>', 'why, for the record')
  withActOptions(redrive).action(redriveDeadLetters)
  const dismiss = addCommand(
    deadLetters,
    'dismiss',
    'Resolves open dead letters as they are: they will not be loaded. Their rows stay.',
    [
      'dead-letters dismiss 12 --reason "Test data: INC-42"',
      'dead-letters dismiss --code malformed_json --until 2026-03-01 --reason "INC-42" --yes',
    ],
  ).requiredOption('--reason <text>', 'why, for whoever reads it in a year')
  withActOptions(dismiss).action(dismissDeadLetters)
}
