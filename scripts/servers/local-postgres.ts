import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { childrenOf, freePort, isAlive, localServer, runWatched } from './processes.ts'
import { INITDB_ARGS, postgresArgs, postgresUser, postgresVersion, unpackPostgres } from './postgres.ts'
import type { ServerControl, StartPlan } from './types.ts'
import { waitFor } from './wait.ts'
import type { Watchdog } from './watchdog.ts'

export interface LocalPostgres {
  readonly version: string
  readonly databaseUrl: string
  readonly data: string
  readonly control: Required<ServerControl>
}

/** A new cluster in `directory`, running on 127.0.0.1, with a superuser behind a random password. */
export async function startLocalPostgres(
  directory: string,
  watchdog: Watchdog,
  plan: StartPlan,
): Promise<LocalPostgres> {
  const user = postgresUser()
  const home = join(directory, 'postgres')
  const data = join(home, 'data')
  mkdirSync(data, { recursive: true, mode: 0o700 })
  if (user !== undefined) for (const path of [home, data]) chownSync(path, user.uid, user.gid)
  const programs = unpackPostgres(join(directory, 'postgresql'))
  const password = randomBytes(12).toString('hex')
  const shared = { cwd: home, logFile: join(directory, 'postgres.log'), ...(user && { user }) }

  const passwordFile = join(home, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid)
  await runWatched(watchdog, {
    ...shared,
    name: 'initdb',
    file: join(programs, 'initdb'),
    // --no-sync: a power cut now would lose a directory that is to be removed anyway.
    args: [
      '--no-sync',
      ...INITDB_ARGS,
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
    ],
  })

  const port = await freePort()
  const databaseUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  const ours = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // In the data directory, not in the machine's shared memory, where a kill -9 would leave it.
    dynamic_shared_memory_type: 'mmap',
  }
  const control = localServer(watchdog, {
    command: {
      ...shared,
      name: 'Postgres',
      file: join(programs, 'postgres'),
      args: ['-D', data, ...postgresArgs(plan.postgresSettings, ours)],
      endWith: 'QUIT',
    },
    answers: () => postgresVersion(databaseUrl),
    stop: (pid) => void process.kill(pid, 'SIGINT'), // "fast": ends sessions, writes a checkpoint
    kill: (pid) => killPostgres(pid, data),
  })
  await control.start()
  return { version: (await postgresVersion(databaseUrl)) ?? 'unknown', databaseUrl, data, control }
}

/**
 * Ends Postgres as a power cut would: all of its processes at once. A kill -9 of the main process alone
 * leaves backends that work on until they notice, and each of them leads a session of its own, so a signal
 * to the group doesn't reach them either.
 */
async function killPostgres(pid: number, dataDirectory: string): Promise<void> {
  const memory = sharedMemoryId(dataDirectory)
  process.kill(pid, 'SIGSTOP') // it starts no further process
  const children = () => childrenOf(pid).filter(isAlive)
  const noneAlive = () => {
    children().forEach(killIfThere)
    return children().length === 0
  }
  await waitFor('the processes of Postgres to be gone', noneAlive, { everyMs: 2 })
  process.kill(pid, 'SIGKILL')
  // 56 bytes that a start on the same data would find and remove; without one they would stay.
  if (memory !== undefined) spawnSync('ipcrm', ['-m', memory], { stdio: 'ignore' })
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Line 7 of postmaster.pid: key and id of the System V segment that marks the directory as in use. */
function sharedMemoryId(dataDirectory: string): string | undefined {
  try {
    return readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[6]?.trim().split(/\s+/)[1]
  } catch {
    return undefined
  }
}
