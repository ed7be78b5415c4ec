import type { Kafka } from '../../kafka/client.ts'
import type { LogReader } from '../../kafka/log-reader.ts'
import type { Findings } from '../findings.ts'
import type { DeepCounts } from '../report.ts'
import type { Snapshot } from '../snapshot.ts'

/** What the deep check works with. */
export interface DeepSetting {
  readonly snapshot: Snapshot
  readonly kafka: Kafka
  readonly reader: LogReader
  /** Whether the topic is compacted: then records in the middle may be gone. */
  readonly compacted: boolean
  readonly onProgress: ((line: string) => void) | undefined
}

/** And what it has found so far. */
export interface DeepCheck extends DeepSetting {
  readonly findings: Findings
  readonly counts: DeepCounts
}
