import { count, thousands } from '../../wording.ts'
import type { Findings } from '../findings.ts'
import type { SortedRows } from './sorted-rows.ts'
import type { LedgerRow } from './stored-rows.ts'

interface OpenBatch extends LedgerRow {
  records: number
  duplicates: number
  /** Some of its records are no longer in the log, so there is nothing to compare. */
  incomplete: boolean
}

/** Counts the log's records and duplicates by batch, to hold them against the ledger's. */
export class BatchTally {
  readonly #ledger: SortedRows<LedgerRow>
  readonly #findings: Findings
  /** Compaction may have taken records since: then fewer than the ledger's are no finding. */
  readonly #mayBeFewer: boolean
  #open: OpenBatch[] = []

  constructor(ledger: SortedRows<LedgerRow>, findings: Findings, mayBeFewer: boolean) {
    this.#ledger = ledger
    this.#findings = findings
    this.#mayBeFewer = mayBeFewer
  }

  /** Counts the records of one part of the log, given by their offsets in order, and ends the batches in it. */
  async count(to: number, records: readonly number[], duplicates: ReadonlySet<number>): Promise<void> {
    await this.#openBelow(to)
    let i = 0
    for (const offset of records) {
      while (this.#open[i] !== undefined && this.#open[i]!.to <= offset) i += 1
      const batch = this.#open[i]
      if (batch === undefined || batch.offset > offset) continue // in no batch: the ranges tell
      batch.records += 1
      if (duplicates.has(offset)) batch.duplicates += 1
    }
    this.#close(to)
  }

  /** A part of the log is gone: the batches that lie in it, also in part, can't be compared. */
  async skip(to: number): Promise<void> {
    await this.#openBelow(to)
    for (const batch of this.#open) batch.incomplete = true
    this.#close(to)
  }

  async #openBelow(to: number): Promise<void> {
    for (const row of await this.#ledger.takeBelow(to))
      this.#open.push({ ...row, records: 0, duplicates: 0, incomplete: false })
  }

  #close(to: number): void {
    for (const batch of this.#open) if (batch.to <= to && !batch.incomplete) this.#compare(batch)
    this.#open = this.#open.filter((batch) => batch.to > to)
  }

  #compare({ batch_id, records, consumed, duplicates, duplicate }: OpenBatch): void {
    const differ = (found: number, ledger: number) => (this.#mayBeFewer ? found > ledger : found !== ledger)
    if (differ(records, consumed)) {
      const message = `the log has ${count(records, 'record')} in its range, the ledger has ${thousands(consumed)} consumed`
      this.#findings.add('consumed', `batch ${batch_id}`, message)
    }
    if (differ(duplicates, duplicate)) {
      const message = `the log has ${count(duplicates, 'duplicate')} in its range, the ledger has ${thousands(duplicate)}`
      this.#findings.add('duplicates', `batch ${batch_id}`, message)
    }
  }
}
