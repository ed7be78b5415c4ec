import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { localServer } from './local-server.ts'
import { freePort } from './ports.ts'
import { postgresVersion } from './postgres-answers.ts'
import { unpackPostgres } from './postgres-binaries.ts'
import { INITDB_ARGS, postgresArgs } from './postgres-settings.ts'
import { killPostgres } from './postgres-kill.ts'
import { postgresUser } from './postgres-user.ts'
import type { ServerControl, StartPlan } from './types.ts'
import { runWatched } from './watched-process.ts'
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
