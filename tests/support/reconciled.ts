import { Client, type Pool } from 'pg'
import { pino } from 'pino'
import { inject, onTestFinished } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { reconcile, type ReconcileReport } from '../../etl/reconcile/reconcile.ts'
import { compile } from '../../etl/stream/compile.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { createDatabase } from './database.ts'
import type { World } from './world.ts'

/**
 * For tests that load a warehouse once and tamper with copies of it. Nobody may be connected to the one
 * that is copied.
 */

export interface WarehouseCopy {
  readonly env: Readonly<Record<string, string>> & { readonly DATABASE_URL: string }
  /** Of the loader. */
  readonly pool: Pool
}

/** A copy of the world's warehouse, after the superuser did something to it; removed with the test. */
export async function aCopyOf(world: World, tampering?: string): Promise<WarehouseCopy> {
  const pristine = new URL(world.env['DATABASE_URL']!).pathname.slice(1)
  const copy = await createDatabase(inject('databaseUrl'))
  onTestFinished(() => copy.drop())
  const admin = new Client({ connectionString: inject('databaseUrl') })
  await admin.connect()
  await copy.drop()
  await admin.query(`create database ${copy.name} template ${pristine}`)
  await admin.end()
  const env = { ...world.env, DATABASE_URL: copy.url }
  const superuser = new Client({ connectionString: copy.url })
  await superuser.connect()
  try {
    if (tampering !== undefined) await superuser.query(tampering)
  } finally {
    await superuser.end()
  }
  const pool = createPool(readConfig(['database'], env), 'pulse_loader', pino({ level: 'silent' }))
  onTestFinished(() => pool.end())
  return { env, pool }
}

export function check(world: World, pool: Pool, deep: boolean): Promise<ReconcileReport> {
  return reconcile({
    pool,
    stream: world.stream,
    kafka: world.kafka,
    topic: world.topic,
    deep,
    publishGraceMs: 0,
  })
}

/**
 * The proof with --deep: whether it balances, its warnings, and what it found, in sentences.
 *
 * @param stream by another declaration than the world's.
 */
export async function provedBy({ pool, kafka, topic, stream: own }: World, stream?: Definition) {
  const { checks, ...report } = await reconcile({
    pool,
    kafka,
    topic,
    stream: stream === undefined ? own : compile(stream),
    deep: true,
  })
  const told = checks.flatMap(({ name, findings }) =>
    findings.flatMap(({ examples }) => examples.map(({ message }) => `${name}: ${message}`)),
  )
  return { ...report, told }
}

/** `check: kind: subject: message` of all examples; the topic is T. */
export function findingsOf(report: ReconcileReport): string[] {
  return report.checks.flatMap(({ name, findings }) =>
    findings.flatMap(({ kind, examples }) =>
      examples.map(({ subject, message }) =>
        `${name}: ${kind}: ${subject}: ${message}`.replaceAll(report.topic, 'T'),
      ),
    ),
  )
}

export const failedChecks = (report: ReconcileReport): string[] =>
  report.checks.filter(({ findings }) => findings.length > 0).map(({ name }) => name)

export interface Tampering {
  readonly what: string
  readonly sql: string
  /** One of the findings, and those that only --deep has. */
  readonly found: readonly RegExp[]
  readonly deep?: readonly RegExp[]
}
