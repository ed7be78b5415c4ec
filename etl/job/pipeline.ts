import type { Progress } from '../ledger/watermark.ts'
import { stagesOf, type Pipeline, type RunLimits, type Stages } from './stages.ts'

/**
 * Why a partition's drain ended: at the end offset, by the clock or a signal, because the group gave it
 * to another worker, because an operator is needed, or because the watermark was moved by somebody else.
 */
export type DrainResult = 'drained' | 'interrupted' | 'not_ours' | 'stopped' | 'moved'

/**
 * The job, for one partition: extract, validate, transform, load, acknowledge, batch by batch, from the
 * watermark to the end offset that was noted when the run began.
 *
 * @param crashes of workers since the watermark last moved: the first batches are smaller then.
 * @throws what recovery could not mend: what was loaded before is acknowledged, the next run goes on from there.
 */
export async function drainPartition(
  pipeline: Pipeline,
  progress: Progress,
  end: number,
  run: RunLimits,
  crashes = 0,
): Promise<DrainResult> {
  const stages = stagesOf(pipeline, progress, end, run, crashes)
  const interruption = (): DrainResult | undefined => {
    if (run.signal.aborted || run.isOver()) return 'interrupted'
    return pipeline.membership.partitions().includes(progress.partition) ? undefined : 'not_ours'
  }
  const result = await drain(stages, interruption)
    .finally(stages.endTurn)
    .catch(async (error: unknown) => {
      await stages.acknowledge()
      throw error
    })
  // Also without a new batch: what an earlier run could not publish or commit is made good here.
  if (result !== 'not_ours' && result !== 'moved') await stages.acknowledge()
  return result
}

/** The job's sentence. What must hold around each verb (retries, timing, limits after a crash) is in stages.ts. */
async function drain(
  { extract, learnSchemas, validate, transform, load, acknowledgeAtTimes }: Stages,
  interruption: () => DrainResult | undefined,
): Promise<DrainResult> {
  for (;;) {
    const interrupted = interruption()
    if (interrupted !== undefined) return interrupted

    const batch = await extract()
    if (batch === undefined) return 'drained'
    const waitedInVain = await learnSchemas(batch, interruption)
    if (waitedInVain !== undefined) return waitedInVain
    const { valid, ...others } = validate(batch)
    const facts = await transform(valid, others.rejected)
    const outcome = await load({ facts, ...others })
    if (outcome !== 'loaded') return outcome
    await acknowledgeAtTimes()
  }
}
