import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { Action } from '../../../etl/operations/actions.ts'
import {
  requestRedrive,
  SKIPPED_BECAUSE,
  type RedriveResult,
  type SkipReason,
} from '../../../etl/dead-letters/redrive.ts'
import { CommandFailed, sentenceOf, UsageError } from '../errors.ts'
import { thisOperator } from '../operator.ts'
import { count, thousands } from '../../../etl/text/wording.ts'
import { actOn, filterToActOn, type ActOptions } from './act.ts'

interface RedriveOptions extends ActOptions {
  readonly valueFile?: string
}

/** Sends records of dead letters to their topic again, as they were or one of them corrected. */
export async function redriveDeadLetters(ids: readonly number[], options: RedriveOptions): Promise<void> {
  const filter = filterToActOn(ids, options)
  if (options.valueFile !== undefined && filter.ids?.length !== 1)
    throw new UsageError('--value-file is for exactly one dead letter: give its number.')
  const by = thisOperator(options.by)
  const value = options.valueFile === undefined ? undefined : await readValue(options)
  await actOn(filter, options, {
    verb: 'redrive',
    consequence:
      value === undefined
        ? 'will be sent again'
        : `will be sent again with ${count(value.length, 'other byte')}`,
    request: ({ pool, config }, which, expectedCount) =>
      requestRedrive(pool, by, which, options.reason, { topic: config.KAFKA_TOPIC, value, expectedCount }),
    render: renderRedrive,
  })
}

async function readValue({ valueFile, yes = false, dryRun = false }: RedriveOptions): Promise<Buffer> {
  if (valueFile === '-') {
    // The answer would have to come from where the value comes from.
    if (!yes && !dryRun) throw new UsageError('A value from standard input leaves nobody to ask: add --yes.')
    return buffer(process.stdin)
  }
  return readFile(valueFile!).catch((error: unknown) => {
    throw new CommandFailed(`The value could not be read: ${sentenceOf(error)}`)
  })
}

function renderRedrive({ id, result }: Action): string {
  const { sent, skipped, tooLarge } = result as unknown as RedriveResult
  const reasons = Object.entries(skipped) as [SkipReason, number][]
  return [
    `Action ${id}: ${count(sent, 'record')} sent again.`,
    ...reasons.map(
      ([reason, n]) =>
        `  ${thousands(n)} not sent: ${SKIPPED_BECAUSE[reason]}${reason === 'too_large' ? ` (${tooLarge.join(', ')})` : ''}.`,
    ),
    ...(sent === 0 ? [] : ['The next run finds out what becomes of them: pulse dead-letters groups']),
  ].join('\n')
}
