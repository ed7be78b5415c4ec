import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { BadOption } from './options.ts'
import type { StatementTime } from './statement-times.ts'

/** A version of the project as files, with what it needs installed. */
export interface Checkout {
  /** For people: its commit. */
  readonly name: string
  readonly directory: string
}

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

/** The files as they are now, with whatever is not committed. */
export async function thisCheckout(): Promise<Checkout> {
  try {
    const commit = (await git('rev-parse', '--short', 'HEAD')).trim()
    const isChanged = (await git('status', '--porcelain')).trim() !== ''
    return { directory: ROOT, name: isChanged ? `${commit} with changes` : commit }
  } catch {
    return { directory: ROOT, name: 'this checkout' }
  }
}

/**
 * The files of another commit in a directory of their own, with what they need installed: as here where the
 * lock files are the same, else by `npm ci`.
 *
 * @param place an existing directory, for the caller to remove.
 * @throws BadOption where there is no such commit, Error where it can't be made to run.
 */
export async function otherCheckout(commit: string, place: string): Promise<Checkout> {
  const hash = await commitHash(commit)
  const directory = join(place, 'other')
  const archive = join(place, 'other.tar')
  await mkdir(directory)
  await git('archive', '--format=tar', '--output', archive, hash)
  await run('tar', ['-xf', archive, '-C', directory])
  const checkout = { name: hash.slice(0, 7), directory }
  if (await haveSameLock(directory))
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  else await install(checkout)
  return checkout
}

/** @throws BadOption, before anything is started, where git knows no such commit. */
export async function commitHash(commit: string): Promise<string> {
  try {
    return (await git('rev-parse', '--verify', '--quiet', `${commit}^{commit}`)).trim()
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') throw new Error('--against needs git, which is not installed', { cause: error })
    const reason = stderr.trim() === '' ? 'there is no such commit here' : stderr.trim()
    throw new BadOption('--against', commit, `${reason}; it takes a commit, tag or branch of this repository`)
  }
}

async function haveSameLock(directory: string): Promise<boolean> {
  const [ours, theirs] = await Promise.all(
    [ROOT, directory].map((root) => readFile(join(root, 'package-lock.json'), 'utf8')),
  )
  return ours === theirs
}

async function install({ name, directory }: Checkout): Promise<void> {
  process.stderr.write(`installing what ${name} needs: its package-lock.json is another one\n`)
  try {
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: directory })
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`npm ci failed for ${name}, so it can't be measured\n${stderr}`.trim(), { cause: error })
  }
}

async function git(...args: string[]): Promise<string> {
  return (await run('git', args, { cwd: ROOT })).stdout
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
  await runLine(checkout, (await npmScripts(checkout))['migrate'], { DATABASE_URL: databaseUrl })
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
  const output = await runLine(checkout, etl?.replace(/\S+\.ts$/, DRAIN_SCRIPT), env)
  const lines = output.trim().split('\n')
  for (const line of lines.slice(0, -1)) process.stderr.write(`${line}\n`) // errors of the run
  return JSON.parse(lines.at(-1) ?? '') as Drained
}

async function npmScripts({ directory }: Checkout): Promise<Partial<Record<string, string>>> {
  const text = await readFile(join(directory, 'package.json'), 'utf8')
  return (JSON.parse(text) as { scripts: Record<string, string> }).scripts
}

/** Runs an npm script's line as npm does, without npm's start. @returns its standard output. */
async function runLine({ name, directory }: Checkout, line: string | undefined, env: Env): Promise<string> {
  if (line === undefined) throw new Error(`package.json of ${name} lacks the scripts migrate and etl`)
  const programs = [join(directory, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  try {
    const { stdout } = await run('sh', ['-c', line], {
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
