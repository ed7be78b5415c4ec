import type { Progress } from '../../ledger/progress.ts'
import { count, thousands } from '../../text/wording.ts'
import { Findings } from '../findings.ts'
import type { CheckResult, DeepCounts } from '../report.ts'
import type { DeepSetting } from './check.ts'
import { checkPartition } from './partition.ts'

export interface DeepResult extends CheckResult {
  readonly counts: DeepCounts
  /** What the log no longer holds, in sentences: nothing can be said of it. */
  readonly gone: readonly string[]
}

/**
 * Reads the partitions again up to the snapshot's watermarks and finds each record that Kafka delivers in
 * the warehouse: it is one fact with its values, one dead letter with its bytes, or a duplicate of an order
 * that was loaded from another record with the same values. Where the ledger says that facts were dropped
 * for their age or dead letters pruned, so many of its records have nothing any more. The other way round,
 * no fact and no dead letter has an offset that Kafka doesn't have. Memory holds some thousand records,
 * however long the log is.
 */
export async function checkEveryRecord(
  setting: DeepSetting,
  partitions: readonly Progress[],
): Promise<DeepResult> {
  const findings = new Findings()
  const counts = { records: 0, facts: 0, deadLetters: 0, duplicates: 0, droppedOrPruned: 0, goneFromLog: 0 }
  const gone: string[] = []
  for (const progress of partitions)
    gone.push(...(await checkPartition({ ...setting, findings, counts }, progress)))
  const { records, facts, deadLetters, duplicates, droppedOrPruned } = counts
  return {
    rule: 'each record of the log is one fact with its values, one dead letter with its bytes, or a duplicate',
    scope:
      `${count(records, 'record')} read again: ${thousands(facts)} loaded + ${thousands(duplicates)} duplicate + ` +
      `${thousands(deadLetters)} dead-lettered` +
      (droppedOrPruned === 0 ? '' : ` + ${thousands(droppedOrPruned)} dropped or pruned for their age`),
    findings: findings.groups,
    counts,
    gone,
  }
}
