import { count, thousands } from '../text/wording.ts'
import type { Opening } from './batches.ts'
import { Findings } from './findings.ts'
import type { CheckResult } from './report.ts'

/**
 * What housekeeping has folded still adds up: of the batches in an opening balance each loaded record is a
 * fact that is there or was dropped for its age, each dead-lettered one a dead letter that is there or was
 * pruned.
 */
export function checkOpenings(openings: readonly Opening[]): CheckResult {
  const findings = new Findings()
  for (const opening of openings) {
    const { consumed, loaded, duplicate, deadLettered, facts, dropped, letters, pruned } = opening
    const subject = nameOf(opening)
    if (facts + dropped !== loaded) {
      const message = `${thousands(loaded)} loaded, but ${thousands(facts)} facts are there and ${thousands(dropped)} were dropped for their age`
      findings.add('loaded', subject, message)
    }
    if (letters + pruned !== deadLettered) {
      const message = `${thousands(deadLettered)} dead-lettered, but ${thousands(letters)} dead letters are there and ${thousands(pruned)} were pruned`
      findings.add('dead-lettered', subject, message)
    }
    if (consumed !== loaded + duplicate + deadLettered) {
      const message = `${thousands(consumed)} consumed is not ${thousands(loaded)} + ${thousands(duplicate)} + ${thousands(deadLettered)}`
      findings.add('consumed', subject, message)
    }
  }
  return {
    rule: 'what was folded into opening balances adds up with the rows that are left of it',
    scope: count(openings.length, 'opening balance'),
    findings: findings.groups,
  }
}

const nameOf = ({ topic, partition, incarnation }: Opening): string =>
  `${topic}/${partition}${incarnation === 1 ? '' : ` (incarnation ${incarnation})`}`
