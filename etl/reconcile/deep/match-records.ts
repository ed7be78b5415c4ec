import type { SourceRecord } from '../../kafka/record.ts'
import { validateRecord } from '../../job/validate.ts'
import type { DeepCheck } from './check.ts'
import { differences, differingBytes } from './same-values.ts'
import type { DeadLetterRow, FactRow, Origin } from './stored-rows.ts'

/**
 * Whether a record keeps the contract was decided with the age limit of its time; what is asked here is
 * only which values it has.
 */
export const ANY_AGE = { maxAgeDays: 36_500 }

/**
 * Holds a part of the log against the facts and dead letters that are stored for it.
 *
 * @returns the records that are neither fact nor dead letter.
 */
export function matchRecords(
  { findings, counts, compacted }: DeepCheck,
  { topic, partition }: Origin,
  records: readonly SourceRecord[],
  stored: { facts: readonly FactRow[]; deadLetters: readonly DeadLetterRow[] },
): SourceRecord[] {
  const subject = (offset: number) => `${topic}/${partition} offset ${offset}`
  const once = <Row extends FactRow | DeadLetterRow>(
    rows: readonly Row[],
    what: string,
  ): Map<number, Row> => {
    const byOffset = new Map<number, Row>()
    for (const row of rows) {
      if (byOffset.has(row.offset))
        findings.add('stored twice', subject(row.offset), `it has more than one ${what}`)
      byOffset.set(row.offset, row)
    }
    return byOffset
  }
  const facts = once(stored.facts, 'fact')
  const letters = once(stored.deadLetters, 'dead letter')
  const unmatched: SourceRecord[] = []
  for (const record of records) {
    const fact = facts.get(record.offset)
    const letter = letters.get(record.offset)
    facts.delete(record.offset)
    letters.delete(record.offset)
    if (fact === undefined && letter === undefined) {
      unmatched.push(record)
      continue
    }
    if (fact !== undefined && letter !== undefined)
      findings.add('stored twice', subject(record.offset), 'it is a fact and a dead letter')
    if (fact !== undefined) {
      const wrong = wrongValues(fact, record)
      if (wrong === undefined) counts.facts += 1
      else findings.add('fact with other values', subject(record.offset), wrong)
    }
    if (letter !== undefined) {
      const wrong = differingBytes(letter, record)
      if (wrong.length === 0) counts.deadLetters += 1
      else
        findings.add(
          'dead letter with other bytes',
          subject(record.offset),
          `dead letter ${letter.id} has another ${wrong.join(' and ')} than the record`,
        )
    }
  }
  for (const [left, what] of [
    [facts, 'fact'],
    [letters, 'dead letter'],
  ] as const) {
    if (compacted) counts.goneFromLog += left.size
    else
      for (const offset of left.keys())
        findings.add('not in the log', subject(offset), `there is a ${what}, but the log has no record there`)
  }
  return unmatched
}

function wrongValues(fact: FactRow, record: SourceRecord): string | undefined {
  const outcome = validateRecord(record, ANY_AGE)
  if ('code' in outcome) return `it is a fact, but the record breaks the contract (${outcome.code})`
  const wrong = differences(fact, outcome.transaction)
  return wrong.length === 0 ? undefined : `the fact's ${wrong.join('; ')}`
}
