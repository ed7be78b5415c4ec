import type { ReplayRange } from '../../../etl/replay/plan.ts'
import { UsageError } from '../errors.ts'

export interface RangeOptions {
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
