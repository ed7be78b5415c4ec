import type { Pool } from 'pg'
import { late } from '../alerts/rules/job.ts'
import { readControl } from '../operations/control.ts'
import { readWorkers } from '../operations/presence.ts'
import { readPartitions } from '../partitions/lag.ts'
import type { Config } from '../process/config.ts'
import { readPoints, readThroughput, readFreshness, type Span } from './flow.ts'
import { conditionsOf, readAttention } from './operating-state.ts'
import { readRuns } from './runs.ts'

export type Overview = Awaited<ReturnType<typeof readOverview>>

const DRAINS = 60

/**
 * From the warehouse alone. Conditions come the most urgent first, drains (ticks and manual runs) the newest first.
 *
 * @param unwritable why the worker that serves it can't write to the warehouse, if it can't.
 */
export async function readOverview(
  pool: Pool,
  stream: string,
  config: Pick<Config<'kafka' | 'alerts'>, 'KAFKA_TOPIC' | 'ALERT_LATE_SECONDS' | 'ALERT_DEAD_LETTER_RATIO'>,
  span: Span,
  unwritable?: string,
) {
  const topic = config.KAFKA_TOPIC
  const [control, attention, workers, partitions, freshness, throughput, drains, points, lateSince] =
    await Promise.all([
      readControl(pool, stream),
      readAttention(pool, stream),
      readWorkers(pool, stream),
      readPartitions(pool, topic),
      readFreshness(pool, topic),
      readThroughput(pool, topic),
      readRuns(pool, { stream, limit: DRAINS, kinds: ['tick', 'manual'] }),
      readPoints(pool, topic, span),
      readLateSince(pool, stream, config),
    ])
  const conditions = conditionsOf({ control, partitions, unwritable, lateSince, workers, drains })
  return { conditions, control, attention, workers, partitions, freshness, throughput, drains, points }
}

/** By the rule that alerts, so that console and alert never disagree. */
async function readLateSince(
  pool: Pool,
  stream: string,
  config: Parameters<typeof readOverview>[2],
): Promise<Date | null> {
  const [finding] = await late.find(pool, {
    stream,
    topic: config.KAFKA_TOPIC,
    prefix: '',
    lateSeconds: config.ALERT_LATE_SECONDS,
    deadLetterRatio: config.ALERT_DEAD_LETTER_RATIO,
    watchedSeconds: process.uptime(),
  })
  return finding?.since ?? null
}
