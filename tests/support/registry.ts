import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { findJava, NO_SHARED_FILES } from '../../scripts/servers/kafka.ts'
import { freePort, localServer, runWatched } from '../../scripts/servers/processes.ts'
import type { ServerControl } from '../../scripts/servers/types.ts'
import { watchedDirectory } from '../../scripts/servers/watchdog.ts'

/** A real schema registry: Apicurio, which speaks Confluent's API, with its schemas in memory. */
export interface Registry {
  readonly url: string
  /** Started again it is empty, and gives ids from 1 on. */
  readonly control: Required<ServerControl>
  /** @returns the schema's id. */
  register(subject: string, schema: RegisteredText): Promise<number>
  end(): Promise<void>
}

export interface RegisteredText {
  readonly schema: string
  readonly schemaType?: 'AVRO' | 'JSON' | 'PROTOBUF'
  readonly references?: readonly {
    readonly name: string
    readonly subject: string
    readonly version: number
  }[]
}

const VERSION = '2.6.13.Final'
const ARTIFACT = 'apicurio-registry-app'

/** Gives the reason, for a skip, where this machine has no Java or Maven, or can't fetch it. */
export async function aRegistry(): Promise<Registry | string> {
  const { directory, watchdog } = watchedDirectory()
  try {
    const java = await findJava()
    // Kept in the user's own cache: Maven's repository has the archive, and unpacking takes its time too.
    const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'global-sales-pulse')
    const archives = join(cache, `${ARTIFACT}-${VERSION}`)
    const jar = join(archives, `${ARTIFACT}-${VERSION}-runner.jar`)
    const run = (name: string, file: string, args: readonly string[]) =>
      runWatched(watchdog, { name, file, args, logFile: join(directory, 'fetch.log') })
    if (!existsSync(jar)) {
      mkdirSync(archives, { recursive: true, mode: 0o700 })
      const artifact = `io.apicurio:${ARTIFACT}:${VERSION}:tar.gz:all`
      await run('mvn (Maven, to fetch Apicurio)', 'mvn', [
        '-q',
        '-B',
        'dependency:copy',
        `-Dartifact=${artifact}`,
        `-DoutputDirectory=${directory}`,
      ])
      await run('tar', 'tar', ['xzf', join(directory, `${ARTIFACT}-${VERSION}-all.tar.gz`), '-C', archives])
    }
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
    const control = localServer(watchdog, {
      command: {
        name: 'Apicurio',
        file: java,
        args: [
          '-Xmx256m',
          '-XX:+UseSerialGC',
          '-XX:TieredStopAtLevel=1',
          NO_SHARED_FILES,
          `-Djava.io.tmpdir=${directory}`,
          `-Dquarkus.http.port=${port}`,
          '-Dquarkus.http.host=127.0.0.1',
          '-jar',
          jar,
        ],
        logFile: join(directory, 'apicurio.log'),
        cwd: directory,
      },
      answers: () =>
        fetch(`${url}/subjects`).then(
          ({ ok }) => ok,
          () => false,
        ),
      stop: (pid) => void process.kill(pid, 'SIGTERM'),
      kill: (pid) => void process.kill(pid, 'SIGKILL'),
    })
    await control.start()
    return {
      url,
      control,
      register: (subject, schema) => register(url, subject, schema),
      end: () => watchdog.end(),
    }
  } catch (error) {
    await watchdog.end()
    if (inject('mode') === 'local') throw error
    return `no schema registry to be had: ${(error as Error).message}`
  }
}

async function register(url: string, subject: string, schema: RegisteredText): Promise<number> {
  const response = await fetch(`${url}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify(schema),
  })
  const answer = (await response.json()) as { id?: number }
  if (answer.id === undefined) throw new Error(`${subject} was not registered: ${JSON.stringify(answer)}`)
  return answer.id
}
