import type { Pool } from 'pg'
import type { Logger } from '../process/log.ts'
import { firstWatermark, lockSourceNumbers, requireTopic } from '../ledger/first-watermark.ts'
import { readAllProgress } from '../ledger/watermark.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { LogNow } from './known-log.ts'

/**
 * Of a stream that its log orders: a topic that has got further partitions sends keys to other partitions than before,
 * and which of two partitions has the newer version can't be told. All of them stop, until an operator has begun a new
 * incarnation of each. That there are more is told by watermarks, which are made for all partitions at once when the
 * topic is seen first.
 *
 * Two workers come one after the other, by the advisory lock under which watermarks are made.
 */
export async function heedGrowth(
  pool: Pool,
  { stream, topic }: { readonly stream: string; readonly topic: string },
  logs: ReadonlyMap<number, LogNow>,
  logger: Logger,
): Promise<void> {
  const seen = await readAllProgress(pool, topic)
  const isNew = (partition: number, known: typeof seen) => !known.some((one) => one.partition === partition)
  if (![...logs.keys()].some((partition) => isNew(partition, seen))) return
  const grown = await inTransaction(pool, async (client) => {
    await lockSourceNumbers(client)
    await requireTopic(client, { stream, topic })
    const known = await readAllProgress(client, topic)
    const added = [...logs].filter(([partition]) => isNew(partition, known)).sort(([a], [b]) => a - b)
    const incarnation = Math.max(1, ...known.map((one) => one.incarnation))
    for (const [partition, log] of added)
      await firstWatermark(client, { stream, topic, partition }, log, { incarnation })
    if (known.length === 0 || added.length === 0) return commit([])
    const names = added.map(([partition]) => partition)
    await client.query(
      `update audit.partition_progress set stopped_at = now(), stop_code = 'partitions_grew', stop_reason = $2
       where topic = $1 and stop_code is distinct from 'partitions_grew'`,
      [topic, `the topic has got partition ${names.join(', ')}: keys go to other partitions than before`],
    )
    return commit(names)
  })
  if (grown.length > 0)
    logger.error({ topic, partitions: grown }, 'all partitions stopped: the topic has got further ones')
}
