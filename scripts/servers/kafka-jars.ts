import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NO_SHARED_FILES } from './java.ts'
import { runWatched } from './watched-process.ts'
import type { Watchdog } from './watchdog.ts'

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
