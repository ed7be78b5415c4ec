import type { Action } from '../../../etl/operations/actions.ts'
import { requestDismiss, type DismissResult } from '../../../etl/dead-letters/dismiss.ts'
import { UsageError } from '../errors.ts'
import { thisOperator } from '../operator.ts'
import { count } from '../../../etl/text/wording.ts'
import { actOn, filterToActOn, type ActOptions } from './act.ts'

/** Resolves dead letters as they are. Their rows stay, with the reason. */
export async function dismissDeadLetters(ids: readonly number[], options: ActOptions): Promise<void> {
  const filter = filterToActOn(ids, options)
  const reason = options.reason ?? ''
  if (reason.trim() === '')
    throw new UsageError('--reason is empty: say why, for whoever reads it in a year.')
  const by = thisOperator(options.by)
  await actOn(filter, options, {
    verb: 'dismiss',
    consequence: 'will be resolved without being loaded',
    request: ({ pool }, which, expectedCount) => requestDismiss(pool, by, which, reason, { expectedCount }),
    render: renderDismissal,
  })
}

function renderDismissal({ id, result }: Action): string {
  const { dismissed, skipped } = result as unknown as DismissResult
  return [
    `Action ${id}: ${count(dismissed, 'dead letter')} dismissed.`,
    ...(skipped.resolved === undefined ? [] : [`  ${count(skipped.resolved, 'other')} resolved meanwhile.`]),
  ].join('\n')
}
