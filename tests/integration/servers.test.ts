import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, type QueryResult } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { startServers, type Servers } from '../../scripts/servers/index.ts'
import { kafkaAnswers } from '../../scripts/servers/kafka.ts'
import { descendantsOf, isAlive } from '../support/processes.ts'
import { waitFor } from '../support/wait-for.ts'

/** Where Docker or given servers serve the tests, this machine may lack what local ones need. */
const here =
  inject('mode') === 'local' || ['java', 'mvn'].every((tool) => spawnSync(tool, ['-version']).status === 0)

const program = fileURLToPath(new URL('../support/servers-child.ts', import.meta.url))

/** Everything that the servers of a test write is in a temp directory of the test's own. */
let temporary: string

function useOwnTemporaryDirectory(): void {
  temporary = mkdtempSync(join(tmpdir(), 'pulse-servers-test-'))
  chmodSync(temporary, 0o755)
  vi.stubEnv('TMPDIR', temporary)
}

function leaveIt(): void {
  vi.unstubAllEnvs()
  rmSync(temporary, { recursive: true, force: true })
}

const whatIsLeft = (processes: readonly number[]) => ({
  processes: processes.filter(isAlive),
  files: readdirSync(temporary),
})
const NOTHING = { processes: [], files: [] }

describe.skipIf(!here)('local servers', () => {
  let servers: Servers

  beforeAll(async () => {
    useOwnTemporaryDirectory()
    servers = await startServers({ only: 'local', postgresSettings: { work_mem: '5MB' } })
  })
  afterAll(async () => {
    await servers.stop()
    leaveIt()
  })

  test('are a Postgres 17 and a Kafka that answer', async () => {
    const { rows } = await query(
      `select version(), current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
         current_setting('server_encoding') as encoding, current_setting('timezone') as timezone,
         current_setting('work_mem') as work_mem`,
    )
    expect(rows).toEqual([
      {
        version: expect.stringMatching(/^PostgreSQL 17\./),
        fsync: 'on',
        commit: 'on',
        encoding: 'UTF8',
        timezone: 'UTC',
        work_mem: '5MB',
      },
    ])
    expect(await kafkaAnswers(servers.kafkaBrokers)).toBe(true)
  })

  test('Postgres comes back after a kill on the same port with what was committed', async () => {
    await query('create table kept as select 42 as answer')
    const before = servers.postgres?.pid?.()
    const all = [before, ...descendantsOf(Number(before))].map(Number)
    await servers.postgres?.kill()
    expect(all.filter(isAlive)).toEqual([])
    await expect(query('select 1')).rejects.toThrow('ECONNREFUSED')
    await servers.postgres?.start()
    expect((await query('select answer from kept')).rows).toEqual([{ answer: 42 }])
    expect(servers.postgres?.pid?.()).not.toBe(before)
  })

  test('Kafka comes back after a stop and after a kill on the same port', async () => {
    for (const end of ['stop', 'kill'] as const) {
      await servers.kafka?.[end]()
      expect(await kafkaAnswers(servers.kafkaBrokers)).toBe(false)
      await servers.kafka?.start()
      expect(await kafkaAnswers(servers.kafkaBrokers)).toBe(true)
    }
  })

  test('leave nothing after a stop, also when a server was stopped in its tracks; a second stop is nothing', async () => {
    const pids = [servers.postgres?.pid?.(), servers.kafka?.pid?.()].map(Number)
    const all = pids.flatMap((pid) => [pid, ...descendantsOf(pid)])
    process.kill(Number(pids[0]), 'SIGSTOP')
    await servers.stop()
    expect(whatIsLeft(all)).toEqual(NOTHING)
    await servers.stop()
    await expect(servers.kafka?.start()).rejects.toThrow('were stopped')
  })

  async function query(sql: string): Promise<QueryResult> {
    const client = new Client({ connectionString: servers.databaseUrl })
    await client.connect()
    try {
      return await client.query(sql)
    } finally {
      await client.end()
    }
  }
})

describe.skipIf(!here)('a program that has started local servers', { timeout: 120_000 }, () => {
  let child: ChildProcess
  let output = ''

  beforeEach(() => {
    useOwnTemporaryDirectory()
    output = ''
    // A group of its own, as a shell makes for what runs in a terminal.
    child = spawn(process.execPath, [program, 'local'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    child.stdout?.on('data', (text: Buffer) => (output += text.toString()))
  })
  afterEach(() => {
    child.kill('SIGKILL')
    leaveIt()
  })

  const ready = () => waitFor('the program to be ready', () => output.includes('ready'), { limitMs: 90_000 })
  const started = () => descendantsOf(Number(child.pid))
  const WATCHDOG_KAFKA_POSTGRES = 3

  test('still has them after Ctrl-C, and leaves nothing when it has ended', async () => {
    await ready()
    const processes = started()
    expect(processes.length).toBeGreaterThanOrEqual(WATCHDOG_KAFKA_POSTGRES)
    const ended = once(child, 'close')
    process.kill(-Number(child.pid), 'SIGINT')
    expect(await ended).toEqual([0, null])
    expect(output).toMatch(/at the end: 17\.\d+/)
    await expect.poll(() => whatIsLeft(processes), { timeout: 15_000 }).toEqual(NOTHING)
  })

  test.each(['SIGKILL', 'SIGUSR2'] as const)('leaves nothing when %s ends it', async (signal) => {
    await ready()
    const processes = started()
    expect(processes.length).toBeGreaterThanOrEqual(WATCHDOG_KAFKA_POSTGRES)
    child.kill(signal)
    await expect.poll(() => whatIsLeft(processes), { timeout: 15_000 }).toEqual(NOTHING)
  })

  test('leaves nothing when it is killed while they start', async () => {
    await waitFor('Postgres and Java to start', () => started().length >= WATCHDOG_KAFKA_POSTGRES, {
      limitMs: 30_000,
      everyMs: 5,
    })
    const processes = started()
    child.kill('SIGKILL')
    await expect.poll(() => whatIsLeft(processes), { timeout: 15_000 }).toEqual(NOTHING)
  })
})

describe('without servers', () => {
  afterEach(() => void vi.unstubAllEnvs())

  test('says why not and what is needed', async () => {
    vi.stubEnv('JAVA_HOME', '/nowhere')
    await expect(startServers({ only: 'local', say: () => {} })).rejects.toThrow(
      /not local: no Java[^]*given +KAFKA_BROKERS and DATABASE_URL[^]*Java 17 or newer and Maven/,
    )
  })

  test('a PULSE_SERVERS that is no way names the ways', async () => {
    vi.stubEnv('PULSE_SERVERS', 'podman')
    await expect(startServers()).rejects.toThrow('PULSE_SERVERS "podman" is none of given, docker, local')
  })

  test('given servers are not looked for elsewhere when PULSE_SERVERS wants them', async () => {
    vi.stubEnv('PULSE_SERVERS', 'given')
    vi.stubEnv('KAFKA_BROKERS', '127.0.0.1:1')
    vi.stubEnv('DATABASE_URL', 'postgres://user:secret@127.0.0.1:1/db')
    await expect(startServers()).rejects.toThrow(
      'not given: Postgres at 127.0.0.1:1 (DATABASE_URL) takes no queries',
    )
  })
})
