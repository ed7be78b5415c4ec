import type { Pool } from 'pg'
import { late } from '../alerts/rules/job.ts'
import { readControl, type Control } from '../operations/control.ts'
import { readWorkers, type WorkerRow } from '../operations/presence.ts'
import { readPartitions, type PartitionLag } from '../partitions/lag.ts'
import type { Config } from '../process/config.ts'
import {
  readPoints,
  readThroughput,
  readFreshness,
  type Point,
  type Span,
  type Throughput,
  type Freshness,
} from './flow.ts'
import { conditionsOf, readAttention, type Condition, type Attention } from './operating-state.ts'
import { readRuns, type Run } from './runs.ts'

/** All that the overview shows, from the warehouse alone. */
export interface Overview {
  /** The most urgent first. */
  readonly conditions: readonly [Condition, ...Condition[]]
  readonly control: Control
  readonly attention: Attention
  readonly workers: readonly WorkerRow[]
  readonly partitions: readonly PartitionLag[]
  readonly freshness: Freshness
  readonly throughput: Throughput
  /** Ticks and manual runs, newest first. */
  readonly drains: readonly Run[]
  readonly points: readonly Point[]
}

const DRAINS = 60

/** @param unwritable why the worker that serves it can't write to the warehouse, if it can't. */
export async function readOverview(
  pool: Pool,
  config: Pick<Config<'kafka' | 'alerts'>, 'KAFKA_TOPIC' | 'ALERT_LATE_SECONDS' | 'ALERT_DEAD_LETTER_RATIO'>,
  span: Span,
  unwritable?: string,
): Promise<Overview> {
  const topic = config.KAFKA_TOPIC
  const [control, attention, workers, partitions, freshness, throughput, drains, points, lateSince] =
    await Promise.all([
      readControl(pool),
      readAttention(pool),
      readWorkers(pool),
      readPartitions(pool, topic),
      readFreshness(pool, topic),
      readThroughput(pool, topic),
      readRuns(pool, { limit: DRAINS, kinds: ['tick', 'manual'] }),
      readPoints(pool, topic, span),
      readLateSince(pool, config),
    ])
  const conditions = conditionsOf({ control, partitions, unwritable, lateSince, workers, drains })
  return { conditions, control, attention, workers, partitions, freshness, throughput, drains, points }
}

/** By the rule that alerts, so that console and alert never disagree. */
async function readLateSince(pool: Pool, config: Parameters<typeof readOverview>[1]): Promise<Date | null> {
  const client = await pool.connect()
  try {
    const [finding] = await late.find(client, {
      topic: config.KAFKA_TOPIC,
      lateSeconds: config.ALERT_LATE_SECONDS,
      deadLetterRatio: config.ALERT_DEAD_LETTER_RATIO,
      watchedSeconds: process.uptime(),
    })
    return finding?.since ?? null
  } finally {
    client.release()
  }
}
