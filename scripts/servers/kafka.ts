import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runWatched } from './processes.ts'
import type { Watchdog } from './watchdog.ts'

/**
 * Settings of the single-node Kafka servers that we start, as processes or in containers. Internal topics
 * are small, so that the first group and the first transaction don't wait for 50 partitions each, and a
 * restarted broker is let in again after 3 s instead of 9.
 */
export const KAFKA_SETTINGS: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'broker.heartbeat.interval.ms': '500',
  'broker.session.timeout.ms': '3000',
  // 128 MB by default, taken from the heap at start.
  'log.cleaner.dedupe.buffer.size': '8388608',
}

export const KAFKA_HEAP = '-Xms256m -Xmx512m'

/** A new one for each start, as for any new cluster: 16 bytes; Kafka takes none that begins with a dash. */
export function clusterId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? clusterId() : id
}

const OLDEST_JAVA = 17

/** Java makes a directory in the shared temp directory otherwise, and leaves it there. */
export const NO_SHARED_FILES = '-XX:-UsePerfData'

/** The Java program to run. @throws Error that says what is missing if there is none, or an old one. */
export async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME']
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
  const said = await promisify(execFile)(java, [NO_SHARED_FILES, '-version'], { timeout: 20_000 }).catch(
    (error: unknown) => {
      throw new Error(`no Java (${java} doesn't run); Kafka needs Java ${OLDEST_JAVA} or newer`, {
        cause: error,
      })
    },
  )
  const version = /version "(\d+)/.exec(said.stderr)?.[1]
  if (Number(version) < OLDEST_JAVA)
    throw new Error(`Java ${version} is too old; Kafka needs ${OLDEST_JAVA} or newer`)
  return java
}

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))

/** The Kafka that the pom names; the Docker image has the same version. */
export const KAFKA_VERSION: string =
  /<kafka\.version>(.+)<\/kafka\.version>/.exec(readFileSync(pom, 'utf8'))?.[1] ?? 'unknown'

/**
 * The class path of a Kafka broker. The first call lets Maven fetch the jars (about 60 MB into its own
 * repository); later ones read the path that Maven worked out for this pom. It is kept in the user's own
 * cache directory, not in a shared one: who can write this file decides which code we run.
 *
 * @throws Error with Maven's words, or that Maven is missing.
 */
export async function kafkaClassPath(
  directory: string,
  watchdog: Watchdog,
  say: (line: string) => void,
): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 16)
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'global-sales-pulse')
  const cached = join(cache, `kafka-class-path-${hash}.txt`)
  if (existsSync(cached)) {
    const classPath = readFileSync(cached, 'utf8')
    if (classPath.split(delimiter).every((jar) => existsSync(jar))) return classPath
  }

  say(`fetching Kafka ${KAFKA_VERSION} with Maven`)
  const output = join(directory, 'class-path.txt')
  await runWatched(watchdog, {
    name: 'mvn (Maven, to fetch Kafka)',
    file: 'mvn',
    args: ['-q', '-B', '-f', pom, 'dependency:build-classpath', `-Dmdep.outputFile=${output}`],
    env: { MAVEN_OPTS: `${process.env['MAVEN_OPTS'] ?? ''} ${NO_SHARED_FILES}` },
    logFile: join(directory, 'maven.log'),
  })
  const classPath = readFileSync(output, 'utf8').trim()
  mkdirSync(cache, { recursive: true, mode: 0o700 })
  // Renamed into place: another start at the same time reads all of it or nothing.
  writeFileSync(`${cached}.${process.pid}`, classPath)
  renameSync(`${cached}.${process.pid}`, cached)
  return classPath
}

/**
 * Whether a broker takes requests and knows of a broker that is let in (itself, in a single node). Asked in
 * Kafka's own protocol by hand, Metadata version 1: a listening port alone opens earlier, and the client
 * library belongs to etl/kafka/ alone.
 */
export function kafkaAnswers(hostAndPort: string, limitMs = 2_000): Promise<boolean> {
  const at = hostAndPort.lastIndexOf(':')
  const host = hostAndPort.slice(0, at).replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(hostAndPort.slice(at + 1)) })
    let response = Buffer.alloc(0)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(limitMs, () => settle(false))
    socket.on('error', () => settle(false))
    socket.on('close', () => settle(false))
    socket.on('connect', () => socket.write(METADATA_REQUEST))
    socket.on('data', (chunk: Buffer) => {
      response = Buffer.concat([response, chunk])
      // Size, correlation id, then the number of brokers.
      if (response.length >= 12) settle(response.readInt32BE(8) > 0)
    })
  })
}

const METADATA_REQUEST = Buffer.from(
  [
    [0, 0, 0, 14], // size
    [0, 3, 0, 1], // Metadata, version 1
    [0, 0, 0, 1], // correlation id
    [255, 255], // no client id
    [0, 0, 0, 0], // of no topics
  ].flat(),
)
