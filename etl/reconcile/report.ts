/** Something that does not hold: what it is about (a batch, an offset, a minute), and what is wrong with it. */
export interface Finding {
  readonly subject: string
  readonly message: string
}

/** All findings of one kind: how many there are, and the first of them. */
export interface FindingGroup {
  readonly kind: string
  readonly total: number
  readonly examples: readonly Finding[]
}

/** What a check has to say. Its rule holds where there are no findings. */
export interface CheckResult {
  /** What must hold, in a sentence. */
  readonly rule: string
  /** What was looked at, with its counts. */
  readonly scope: string
  readonly findings: readonly FindingGroup[]
}

/** One part of the proof. */
export interface Check extends CheckResult {
  /** Of those of every warehouse, or of the stream's own tables and invariants. */
  readonly name: string
  /** Milliseconds. */
  readonly tookMs: number
}

/**
 * What became of what was consumed. Loaded and dead-lettered are counted from the rows themselves, with
 * those on record as dropped for their age or pruned.
 */
export interface Counts {
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  /** No row, by their envelope. */
  readonly skipped: number
  readonly deadLettered: number
}

/** A partition in one of its incarnations. */
export interface Incarnation {
  readonly topic: string
  readonly partition: number
  readonly incarnation: number
}

export interface PartitionReport extends Counts, Incarnation {
  /** Null for an incarnation that is over: its ledger's own ends are all that is known of them. */
  readonly firstOffset: number | null
  readonly watermark: number | null
  /** Null where Kafka was not asked or doesn't have it. */
  readonly logStart: number | null
  readonly logEnd: number | null
  /** Those in the opening balance too. */
  readonly batches: number
  /** Of the loaded ones, those whose facts were dropped for their age. */
  readonly dropped: number
  /** Of the dead-lettered ones, those whose dead letters were resolved and are pruned. */
  readonly pruned: number
  /** What is no longer proved batch by batch, but only as a sum; null where nothing was folded. */
  readonly openingBalance: OpeningBalance | null
  readonly stopCode: string | null
}

/** The batches that housekeeping has folded into one row. */
export interface OpeningBalance extends Counts {
  readonly fromOffset: number
  readonly toOffset: number
  readonly batches: number
}

/** Offsets that the log lost before they were loaded. */
export interface DataLoss extends Incarnation {
  readonly fromOffset: number
  readonly toOffset: number
  /** ISO 8601. */
  readonly detectedAt: string
  readonly acknowledgedAt: string | null
  readonly acknowledgedBy: string | null
  readonly reason: string | null
}

/** Where a partition began, by its stream's declaration: what the log held before was not read. */
export interface PartitionStart {
  readonly topic: string
  readonly partition: number
  /** `end`, or a time. */
  readonly declared: string
  readonly logStart: number
  readonly firstOffset: number
  readonly worker: string
  readonly contractHash: string
  /** ISO 8601. */
  readonly startedAt: string
}

/** What --deep read, and what became of each record. */
export interface DeepCounts {
  records: number
  facts: number
  deadLetters: number
  duplicates: number
  skipped: number
  /** Records of facts that were dropped for their age, and of dead letters that were pruned. */
  droppedOrPruned: number
  /** Of the facts and dead letters, those that were forgotten: what the log says of a person is not in them. */
  forgotten: number
  /** Facts from before a field was declared, whose record has a value of it, by field. */
  toFill: Record<string, number>
  /** Facts and dead letters whose records the log no longer holds, so that they can't be held against it. */
  goneFromLog: number
}

/** Plain data: JSON holds all of it. */
export interface ReconcileReport {
  readonly stream: string
  readonly topic: string
  readonly deep: boolean
  /** When the snapshot was taken, by the warehouse's clock, ISO 8601. */
  readonly snapshotAt: string
  readonly tookMs: number
  readonly balanced: boolean
  readonly totals: Counts
  readonly partitions: readonly PartitionReport[]
  readonly checks: readonly Check[]
  /** Acknowledged ones too. */
  readonly losses: readonly DataLoss[]
  /** Of partitions that began elsewhere than with their oldest record. */
  readonly starts: readonly PartitionStart[]
  /** What an operator should know and what does not break the balance. */
  readonly warnings: readonly string[]
  readonly everyRecord: DeepCounts | null
}
