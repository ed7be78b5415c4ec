import type { LogPart } from '../kafka/log-parts.ts'
import type { Job } from '../operations/background.ts'
import type { Pipeline } from '../job/stages.ts'
import { transform } from '../job/transform.ts'
import { validate } from '../job/validate.ts'
import { lockProgress } from '../ledger/progress.ts'
import {
  advanceReplayRange,
  findDerivations,
  saveReplayResult,
  updateDerivations,
  type ReplayProgress,
} from './statements.ts'
import { replaceInRollup } from '../stream/rollup.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { addGone, addPart, compare, type ReplayFigures } from './figures.ts'
import { requireSameOffsets } from './known-log.ts'

/** What a replay takes from the pipeline: the current code and its settings. */
export type ReplayRules = Pick<
  Pipeline,
  'pool' | 'batchSize' | 'batchBytes' | 'maxAgeDays' | 'taxRate' | 'fraudRules'
>

/**
 * Replays a part of the log in one transaction: facts, rollup and how far it came, or nothing. Done a second
 * time, it finds nothing to change.
 *
 * Why it does no harm to the loads beside it: the partition's progress row is locked first, as in every
 * load, and then facts and rollup in the same order, so the two come one after the other and never wait in a
 * circle; the row itself is only read. What is computed is computed before, so a load waits for a few
 * statements; the step itself gives up after 5 s of waiting (lock_timeout) and is tried again.
 *
 * @returns the figures with this part's.
 */
export function replayPart(
  { pool, ...rules }: ReplayRules,
  job: Job,
  range: ReplayProgress,
  part: LogPart,
  figures: ReplayFigures,
): Promise<ReplayFigures> {
  const records = part.kind === 'records' ? part.records : []
  const { valid, rejected } = validate(records, rules)
  const facts = transform(valid, rules)
  return inTransaction(pool, async (client) => {
    requireSameOffsets(await lockProgress(client, range), range)
    const compared = compare(facts, await findDerivations(client, facts, range))
    const { changed } = compared
    if (!isDryRun(job) && changed.length > 0) {
      const after = changed.map(({ fact }) => fact)
      await updateDerivations(client, after)
      await replaceInRollup(
        client,
        changed.map(({ stored }) => stored),
        after,
        range.partition,
      )
    }
    const offsets = part.to - part.from
    const grown =
      part.kind === 'gone'
        ? addGone(figures, offsets)
        : addPart(figures, { offsets, records: records.length, notValid: rejected.length, compared })
    await advanceReplayRange(
      client,
      job.action.id,
      { ...part, partition: range.partition },
      { records: records.length, changed: changed.length },
    )
    await saveReplayResult(client, job.action.id, grown)
    await job.saveProgress(client, grown.offsets, grown.offsets)
    return commit(grown)
  })
}

const isDryRun = ({ action }: Job): boolean => action.target['dryRun'] === true
