import { count } from '../text/wording.ts'
import { findMismatches } from './findings.ts'
import type { CheckResult } from './report.ts'
import type { Snapshot } from './snapshot.ts'

interface UsedTwice {
  readonly batch_id: string
  readonly offset: number
  readonly facts: number
  readonly letters: number
}

/**
 * A record becomes one fact or one dead letter: no offset has two rows, which equal counts could hide. The
 * batch's id tells topic, partition and incarnation.
 */
export async function checkOffsets(snapshot: Snapshot): Promise<CheckResult> {
  const findings = await findMismatches<UsedTwice>(
    snapshot,
    `select 'twice' as kind, (batch_id, "offset") as sort, batch_id, "offset", sum(fact) as facts, sum(letter) as letters
     from (
       select batch_id, source_offset as "offset", 1 as fact, 0 as letter from warehouse.transactions
       union all
       select batch_id, "offset", 0, 1 from audit.dead_letters
     ) stored
     group by batch_id, "offset" having count(*) > 1`,
    ({ batch_id, offset }) => `offset ${offset} of batch ${batch_id}`,
    ({ facts, letters }) => `it has ${count(facts, 'fact')} and ${count(letters, 'dead letter')}`,
  )
  return { rule: 'no offset has more than one fact or dead letter', scope: 'all of them', findings }
}
