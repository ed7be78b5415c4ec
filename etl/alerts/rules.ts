import type { AlertRule } from './alert.ts'
import { contractsDiffer, late, paused, runFailed, slowRecord } from './rules/job.ts'
import { partitionStopped, dataLoss, deadLetterRatio } from './rules/records.ts'

/** Every alert that there is. One more: an AlertRule in rules/ and a line here. */
export const RULES: readonly AlertRule[] = [
  late,
  partitionStopped,
  dataLoss,
  runFailed,
  deadLetterRatio,
  paused,
  contractsDiffer,
  slowRecord,
]

/** The page of a stream's console for an alert; the overview where its rule was removed since. */
export function alertPath(rule: string): string {
  return RULES.find(({ id }) => id === rule)?.path ?? '/'
}
