import { pino } from 'pino'
import { onTestFinished, TestRunner } from 'vitest'
import type { Pool } from 'pg'
import { readConfig } from '../../etl/process/config.ts'
import {
  housekeepIfDue,
  type HousekeepingOptions,
  type HousekeepingResult,
} from '../../etl/housekeeping/housekeeping.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { stream } from './stream.ts'
import type { World } from './world.ts'

/** Housekeeping in this process, by the loader's rights, without its clock. */
export interface Housekeeper {
  /** Connections of the loader. */
  readonly pool: Pool
  /** One run, if one is due: undefined otherwise. */
  readonly keep: (
    overrides?: Partial<HousekeepingOptions>,
    signal?: AbortSignal,
  ) => Promise<HousekeepingResult | undefined>
  /** One run now, whenever the last one was. */
  readonly keepAgain: () => Promise<HousekeepingResult | undefined>
  readonly close: () => Promise<void>
}

/** @param env RETENTION_DAYS, LEDGER_RETENTION_DAYS. */
export function aHousekeeper(
  world: World,
  env: Readonly<Record<string, string>> = {},
  worker = 'housekeeper',
): Housekeeper {
  const config = readConfig(['kafka', 'database', 'housekeeping'], { ...world.env, ...env })
  const logger = pino({ level: 'silent' })
  const pool = createPool(config, 'pulse_loader', logger)
  const options = {
    pool,
    kafka: world.kafka,
    stream: world.stream,
    config,
    worker,
    logger,
    isPaused: () => false,
  }
  const close = () => (pool.ended ? Promise.resolve() : pool.end())
  if (TestRunner.getCurrentTest() !== undefined) onTestFinished(close)
  const keep: Housekeeper['keep'] = (overrides, signal = new AbortController().signal) =>
    housekeepIfDue({ ...options, ...overrides }, signal)
  return {
    pool,
    keep,
    keepAgain: async () => {
      await world.pool.query(
        `update audit.pipeline_runs set started_at = started_at - interval '25 hours' where kind = 'housekeeping'`,
      )
      return keep()
    },
    close,
  }
}

const DAY_MS = 86_400_000

/** A moment so many days ago, as a message has it. */
export const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString()

/** The partition of that moment's month, without its schema. */
export const monthTable = (moment: string, of = stream.name): string =>
  `${of}_${moment.slice(0, 7).replace('-', '_')}`

/** Every month that has a partition, ascending: `visits_2024_02`. */
export async function monthTables({ pool }: World, of = stream.name): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
     where inhparent = $1::regclass order by 1`,
    [`warehouse.${of}`],
  )
  return rows.map(({ name }) => name)
}

export interface HousekeepingRun {
  readonly status: string
  readonly error: string | null
  readonly worker: string
}

/** Every run of housekeeping, oldest first. */
export async function housekeepingRuns({ pool }: World): Promise<HousekeepingRun[]> {
  const { rows } = await pool.query<HousekeepingRun>(
    `select status, error, worker from audit.pipeline_runs where kind = 'housekeeping' order by id`,
  )
  return rows
}
