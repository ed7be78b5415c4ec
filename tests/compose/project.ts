import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { columnName } from '../../etl/stream/field.ts'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url).pathname

/** The table of facts of the stream that the image loads, and the columns that tell facts apart. */
export const FACTS = `warehouse.${stream.name}`
export const IDENTITY = [
  ...stream.identity.fields,
  ...(stream.definition.identity.scope === 'event_time' ? [stream.eventTime] : []),
]
  .map((field) => columnName(stream.definition.fields, field))
  .join(', ')

/** The image that the suite builds once, whatever else this machine has. */
const IMAGE_TAG = 'compose-tests'
const TEST_FILES = ['docker-compose.yaml', 'docker-compose.test.yaml']

export type Environment = Readonly<Record<string, string>>

/** What a command wrote and how it ended. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A program with nothing in its environment but what finds Docker, and these. It may fail. */
export async function command(
  file: string,
  args: readonly string[],
  env: Environment = {},
): Promise<Outcome> {
  const passed = Object.entries(process.env).filter(([name]) => /^(PATH|HOME|DOCKER_\w+)$/.test(name))
  const options = { cwd: root, env: { ...Object.fromEntries(passed), ...env }, maxBuffer: 64 * 1024 * 1024 }
  try {
    return { code: 0, ...(await run(file, [...args], options)) }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' }
  }
}

/** @throws Error with what the command wrote, unless it succeeded. */
async function succeed(file: string, args: readonly string[], env?: Environment): Promise<string> {
  const { code, stdout, stderr } = await command(file, args, env)
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
  return stdout
}

export const docker = (...args: string[]): Promise<string> => succeed('docker', args)

interface Files {
  readonly files?: readonly string[]
  readonly env?: Environment
}

function composeCommand(args: readonly string[], { files = TEST_FILES, env = {} }: Files) {
  // No .env: a developer's settings are not the tests'.
  const all = ['compose', '--env-file', '/dev/null', ...files.flatMap((file) => ['-f', file]), ...args]
  return [all, { PULSE_VERSION: IMAGE_TAG, ...env }] as const
}

/** docker compose on these files, by default the base and the test file. @throws Error unless it succeeds. */
export function compose(args: readonly string[], options: Files = {}): Promise<string> {
  return succeed('docker', ...composeCommand(args, options))
}

export interface Project {
  readonly name: string
  /** For the scripts of scripts/compose, so that they mean this project. */
  readonly env: Environment
  compose(...args: string[]): Promise<string>
  tryCompose(...args: string[]): Promise<Outcome>
  /** All but Grafana, whose image not every machine can have; until everything is healthy. */
  up(): Promise<void>
  /** One value, asked as the superuser. */
  sql(query: string): Promise<string>
  /** The same as somebody else, over TCP with a password; it may be refused. */
  sqlAs(login: string, password: string, query: string): Promise<Outcome>
  /** How many records the topic holds, by Kafka's own tool. */
  recordsInKafka(): Promise<number>
  /** `pulse` in the ETL's container. */
  pulse(...args: string[]): Promise<Outcome>
  /** Ends the first process of a service's container as a crash does, so that the restart policy acts. */
  crash(service: string): Promise<void>
  /** `.State` and others of the service's (first) container. */
  inspect(service: string): Promise<ContainerState>
  /** Removes it. @throws Error where a container, a network or a volume is left, also a nameless one. */
  down(): Promise<void>
}

export interface ContainerState {
  readonly Id: string
  readonly RestartCount: number
  readonly State: {
    readonly Status: string
    readonly Pid: number
    readonly StartedAt: string
    readonly ExitCode: number
  }
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string }[]
}

export const SERVICES = ['kafka', 'topics', 'postgres', 'db-init', 'etl', 'producer'] as const

const psql = (query: string) =>
  ['psql', '--dbname=pulse', '--no-psqlrc', '--tuples-only', '--no-align', `--command=${query}`] as const

/** A project of its own on real servers; the caller takes it down. */
export function aProject({ files = TEST_FILES, env: more = {} }: Files = {}): Project {
  const name = `pulse-test-${randomBytes(4).toString('hex')}`
  const env = {
    COMPOSE_PROJECT_NAME: name,
    TEST_ETL_SCHEDULE: '*/2 * * * * *',
    PULSE_VERSION: IMAGE_TAG,
    ...more,
  }
  const tryCompose = (...args: string[]) => command('docker', ...composeCommand(args, { files, env }))
  const ours = (...args: string[]) => compose(args, { files, env })
  const volumes = new Set<string>()

  async function inspect(service: string): Promise<ContainerState> {
    const [id] = (await ours('ps', '--all', '--quiet', service)).trim().split('\n')
    const [state] = JSON.parse(await docker('inspect', id!)) as ContainerState[]
    return state!
  }
  async function leftovers(): Promise<string[]> {
    const label = `label=com.docker.compose.project=${name}`
    const named = await Promise.all([
      docker('ps', '--all', '--quiet', '--filter', label),
      docker('network', 'ls', '--quiet', '--filter', label),
      docker('volume', 'ls', '--quiet', '--filter', label),
    ])
    const there = new Set((await docker('volume', 'ls', '--quiet')).split('\n'))
    return [
      ...named.flatMap((ids) => ids.split('\n')),
      ...[...volumes].filter((volume) => there.has(volume)),
    ].filter((id) => id !== '')
  }

  return {
    name,
    env,
    compose: ours,
    tryCompose,
    inspect,
    up: async () => {
      await ours('up', '--detach', '--wait', '--wait-timeout', '240', ...SERVICES)
      for (const service of SERVICES)
        for (const { Type, Name } of (await inspect(service)).Mounts)
          if (Type === 'volume' && Name !== undefined) volumes.add(Name)
    },
    sql: async (query) => (await ours('exec', '-T', '--user', 'postgres', 'postgres', ...psql(query))).trim(),
    sqlAs: (login, password, query) => {
      const who = ['--env', `PGPASSWORD=${password}`, '--env', `PGUSER=${login}`, '--env', 'PGHOST=postgres']
      return tryCompose('exec', '-T', ...who, 'postgres', ...psql(query))
    },
    recordsInKafka: async () => {
      const offsets = await ours(
        'exec',
        '-T',
        'kafka',
        '/opt/kafka/bin/kafka-get-offsets.sh',
        '--bootstrap-server',
        'kafka:9092',
        '--exclude-internal-topics',
      )
      return offsets
        .trim()
        .split('\n')
        .map((line) => line.split(':'))
        .filter(([topic]) => !topic!.endsWith('.dlq'))
        .reduce((sum, [, , offset]) => sum + Number(offset), 0)
    },
    pulse: (...args) => tryCompose('exec', '-T', 'etl', 'npm', 'run', '--silent', 'pulse', '--', ...args),
    crash: async (service) => {
      const before = await inspect(service)
      // From the engine's side: a first process can't be killed from inside, and `docker kill` counts as a stop.
      await docker(
        'run',
        '--rm',
        '--pid',
        'host',
        '--cap-add',
        'KILL',
        '--user',
        '0',
        '--network',
        'none',
        '--entrypoint',
        'sh',
        'postgres:17',
        '-c',
        `kill -9 ${before.State.Pid}`,
      )
      await waitFor(
        `${service} to be started again`,
        async () => {
          const { RestartCount, State } = await inspect(service)
          return RestartCount > before.RestartCount && State.Status === 'running'
        },
        { limitMs: 60_000, everyMs: 200 },
      )
    },
    down: async () => {
      await ours('--profile', '*', 'down', '--volumes', '--remove-orphans', '--timeout', '20')
      const left = await leftovers()
      if (left.length > 0) throw new Error(`down leaves ${left.join(', ')}`)
    },
  }
}

/** Until everything that Kafka holds is in the ledger; nobody may produce any more. */
export async function drained(project: Project): Promise<number> {
  const records = await project.recordsInKafka()
  await waitFor(
    `all ${records} records to be consumed`,
    async () =>
      Number(await project.sql('select coalesce(sum(consumed), 0) from audit.pipeline_batches')) === records,
    { limitMs: 90_000, everyMs: 500 },
  )
  return records
}
