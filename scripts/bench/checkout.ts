import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { StatementTime } from './statement-times.ts'

/** A version of the project as files, with what it needs installed. */
export interface Checkout {
  /** For people: its commit. */
  readonly name: string
  readonly directory: string
}

/** The answer of a checkout's drain script. */
export interface Drained {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
  /** Of the run alone; not told by a script that doesn't know it, nor of a server elsewhere. */
  readonly postgresCpuSeconds?: number
  readonly statements?: readonly StatementTime[]
}

type Env = Readonly<Record<string, string>>

const DRAIN_SCRIPT = 'scripts/bench/drain.ts'
/** The sections of a run's log at level error; the drain's answer is their last line. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Migrates a database as `npm run migrate` does in that checkout. @throws Error with what it printed. */
export async function migrateBy(checkout: Checkout, databaseUrl: string): Promise<void> {
  await run(checkout, (await npmScripts(checkout))['migrate'], { DATABASE_URL: databaseUrl })
}

/**
 * Drains a topic once with that checkout's own worker, started as `npm run etl` starts it: with its flags.
 *
 * @param env says which topic, database and group, as the ETL takes it.
 * @throws Error with what it printed.
 */
export async function drainBy(checkout: Checkout, env: Env): Promise<Drained> {
  if (!existsSync(join(checkout.directory, DRAIN_SCRIPT)))
    throw new Error(`${checkout.name} has no ${DRAIN_SCRIPT}: it can't be measured`)
  const etl = (await npmScripts(checkout))['etl']
  const output = await run(checkout, etl?.replace(/\S+\.ts$/, DRAIN_SCRIPT), env)
  const lines = output.trim().split('\n')
  for (const line of lines.slice(0, -1)) process.stderr.write(`${line}\n`) // errors of the run
  return JSON.parse(lines.at(-1) ?? '') as Drained
}

async function npmScripts({ directory }: Checkout): Promise<Partial<Record<string, string>>> {
  const text = await readFile(join(directory, 'package.json'), 'utf8')
  return (JSON.parse(text) as { scripts: Record<string, string> }).scripts
}

/** Runs an npm script's line as npm does, without npm's start. @returns its standard output. */
async function run({ name, directory }: Checkout, line: string | undefined, env: Env): Promise<string> {
  if (line === undefined) throw new Error(`package.json of ${name} lacks the scripts migrate and etl`)
  const programs = [join(directory, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  try {
    const { stdout } = await promisify(execFile)('sh', ['-c', line], {
      cwd: directory,
      env: { ...withoutOthers(process.env), ...env, PATH: programs },
      maxBuffer: MAX_OUTPUT_BYTES,
    })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${name}: ${line} failed\n${stdout}${stderr}`.trim(), { cause: error })
  }
}

/** Variables that lead elsewhere, remove what is to be counted, or make a worker do more than drain. */
const NOT_OURS = /^(MIGRATION_DATABASE_URL|(LEDGER_)?RETENTION_DAYS|(ALERT|CONSOLE)_\w+)(_FILE)?$/

function withoutOthers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_OURS.test(name)))
}
