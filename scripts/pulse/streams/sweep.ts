import { planSweep, sweep, type SweepPlan } from '../../../etl/partitions/sweep.ts'
import { compile } from '../../../etl/stream/compile.ts'
import { count, thousands } from '../../../etl/text/wording.ts'
import { UsageError } from '../errors.ts'
import { confirm, requireReason, thisOperator, type ConsentOptions } from '../operator.ts'
import { print } from '../output.ts'
import { inSession, namedStream, nameStream } from '../session.ts'

export interface SweepOptions extends ConsentOptions {
  readonly reason: string
  readonly dryRun?: boolean
}

/** Finds the keys that a compacted log no longer has, and marks them as deleted. */
export async function sweepStream(name: string, { by, yes, dryRun = false, ...options }: SweepOptions) {
  const reason = requireReason(options.reason)
  const other = namedStream()
  if (other !== undefined && name !== other)
    throw new UsageError(`name one stream: ${name}, or --stream ${other}`)
  nameStream(name)
  await inSession(async ({ pool, kafka, definition, config }) => {
    const topic = config.KAFKA_TOPIC
    const stream = compile(definition)
    const plan = await planSweep(pool, kafka, stream, topic)
    const all = plan.partitions.reduce((total, { gone }) => total + gone.size, 0)
    if (dryRun) return print([...lines(plan), 'Nothing was changed: it was a dry run.'].join('\n'))
    if (all > 0)
      await confirm(
        [...lines(plan), `${count(all, 'key')} will be marked as deleted.`].join('\n'),
        topic,
        yes,
      )
    const actions = await sweep(pool, kafka, thisOperator(by), stream, plan, reason)
    const deleted = actions.reduce((total, { target }) => total + Number(target['deleted']), 0)
    print(
      `${name}: ${count(deleted, 'key')} marked as deleted, in ${count(actions.length, 'partition')} of ${topic}. The log was read from its start.`,
    )
  })
}

const lines = ({ topic, partitions }: SweepPlan): string[] =>
  partitions.map(
    ({ progress, keys, gone }) =>
      `${topic}/${progress.partition}: of ${count(keys, 'key')} that ${keys === 1 ? 'is' : 'are'} current the log no longer has ${thousands(gone.size)}`,
  )
