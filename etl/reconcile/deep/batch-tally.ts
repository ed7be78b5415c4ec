import { count, thousands } from '../../text/wording.ts'
import type { Findings } from '../findings.ts'
import type { SortedRows } from '../../postgres/sorted-rows.ts'
import type { LedgerRow } from './stored-rows.ts'
import type { Unmatched } from './records.ts'

interface OpenBatch extends LedgerRow {
  records: number
  duplicates: number
  skippedFound: number
  /** Those of which nothing is left: dropped for their age, or pruned. */
  without: number
  /** Of those, the ones that can only have been dead letters. */
  letters: number
  /** Some of its records are no longer in the log, so there is nothing to compare. */
  incomplete: boolean
}

interface Tallied {
  readonly duplicates: number
  readonly skipped: number
  readonly without: number
}

/**
 * Counts by batch the log's records, and those that are neither fact nor dead letter, to hold them against
 * the ledger's. An opening balance is counted like a batch.
 */
export class BatchTally {
  readonly #ledger: SortedRows<LedgerRow>
  readonly #findings: Findings
  /** Compaction may have taken records since: then fewer than the ledger's are no finding. */
  readonly #mayBeFewer: boolean
  readonly #partition: string
  #open: OpenBatch[] = []

  /** @param partition as findings name it: `transactions/0`. */
  constructor(
    ledger: SortedRows<LedgerRow>,
    findings: Findings,
    { mayBeFewer, partition }: { mayBeFewer: boolean; partition: string },
  ) {
    this.#ledger = ledger
    this.#findings = findings
    this.#mayBeFewer = mayBeFewer
    this.#partition = partition
  }

  /** Counts the records of one part of the log, given by their offsets in order, and ends the batches in it. */
  async count(
    to: number,
    records: readonly number[],
    unmatched: ReadonlyMap<number, Unmatched>,
  ): Promise<Tallied> {
    await this.#openBelow(to)
    const tallied = { duplicates: 0, skipped: 0, without: 0 }
    let i = 0
    for (const offset of records) {
      while (this.#open[i] !== undefined && this.#open[i]!.to <= offset) i += 1
      const batch = this.#open[i]
      const inside = batch !== undefined && batch.offset <= offset ? batch : undefined
      if (inside !== undefined) inside.records += 1 // in no batch: the ranges tell
      const reason = unmatched.get(offset)
      if (reason === undefined) continue
      if (reason.kind === 'duplicate') {
        tallied.duplicates += 1
        if (inside !== undefined) inside.duplicates += 1
      } else if (reason.kind === 'skipped') {
        tallied.skipped += 1
        if (inside !== undefined) inside.skippedFound += 1
      } else if (inside !== undefined && mayBeGone(inside, reason)) {
        tallied.without += 1
        inside.without += 1
        if (reason.kind === 'other') inside.letters += 1
      } else {
        const message = `it is neither fact nor dead letter, and no duplicate: ${reason.why}`
        this.#findings.add('lost', `${this.#partition} offset ${offset}`, message)
      }
    }
    this.#close(to)
    return tallied
  }

  /** A part of the log is gone: the batches that lie in it, also in part, can't be compared. */
  async skip(to: number): Promise<void> {
    await this.#openBelow(to)
    for (const batch of this.#open) batch.incomplete = true
    this.#close(to)
  }

  async #openBelow(to: number): Promise<void> {
    for (const row of await this.#ledger.takeBelow(to))
      this.#open.push({
        ...row,
        records: 0,
        duplicates: 0,
        skippedFound: 0,
        without: 0,
        letters: 0,
        incomplete: false,
      })
  }

  #close(to: number): void {
    for (const batch of this.#open) if (batch.to <= to && !batch.incomplete) this.#compare(batch)
    this.#open = this.#open.filter((batch) => batch.to > to)
  }

  #compare(batch: OpenBatch): void {
    const { name, records, consumed, duplicates, duplicate, without, dropped, pruned } = batch
    const differ = (found: number, ledger: number) => (this.#mayBeFewer ? found > ledger : found !== ledger)
    if (differ(records, consumed)) {
      const message = `the log has ${count(records, 'record')} in its range, the ledger has ${thousands(consumed)} consumed`
      this.#findings.add('consumed', name, message)
    }
    if (differ(batch.skippedFound, batch.skipped)) {
      const message = `the log has ${count(batch.skippedFound, 'record')} in its range that are no row, the ledger has ${thousands(batch.skipped)} skipped`
      this.#findings.add('skipped', name, message)
    }
    // A duplicate of an order whose fact was dropped can't be told from the record of that fact: of both
    // there must be as many as the ledger has.
    if (duplicates > duplicate || differ(duplicates + without, duplicate + dropped + pruned)) {
      const found =
        without === 0
          ? count(duplicates, 'duplicate')
          : `${count(duplicates, 'duplicate')} and ${count(without, 'record')} of which nothing is left`
      const told =
        dropped + pruned === 0
          ? thousands(duplicate)
          : `${thousands(duplicate)}, ${thousands(dropped)} dropped for their age and ${thousands(pruned)} pruned`
      this.#findings.add('duplicates', name, `the log has ${found} in its range, the ledger has ${told}`)
    }
  }
}

/** Whether the ledger knows of records in this batch that nothing is left of, and this may be one. */
function mayBeGone({ duplicate, dropped, pruned, letters }: OpenBatch, { kind }: Unmatched): boolean {
  return kind === 'no fact' ? duplicate + dropped + pruned > 0 : letters < pruned
}
