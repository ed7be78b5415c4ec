import type { AlertRule } from './rule.ts'
import { dataLoss } from './rules/data-loss.ts'
import { deadLetterRatio } from './rules/dead-letter-ratio.ts'
import { late } from './rules/late.ts'
import { partitionStopped } from './rules/partition-stopped.ts'
import { paused } from './rules/paused.ts'
import { runFailed } from './rules/run-failed.ts'

/** Every alert that there is. One more: a file beside these and a line here. */
export const RULES: readonly AlertRule[] = [
  late,
  partitionStopped,
  dataLoss,
  runFailed,
  deadLetterRatio,
  paused,
]
