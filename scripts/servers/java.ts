import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const OLDEST = 17

/** Java makes a directory in the shared temp directory otherwise, and leaves it there. */
export const NO_SHARED_FILES = '-XX:-UsePerfData'

/** The Java program to run. @throws Error that says what is missing if there is none, or an old one. */
export async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME']
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
  const said = await promisify(execFile)(java, [NO_SHARED_FILES, '-version'], { timeout: 20_000 }).catch(
    (error: unknown) => {
      throw new Error(`no Java (${java} doesn't run); Kafka needs Java ${OLDEST} or newer`, { cause: error })
    },
  )
  const version = /version "(\d+)/.exec(said.stderr)?.[1]
  if (Number(version) < OLDEST) throw new Error(`Java ${version} is too old; Kafka needs ${OLDEST} or newer`)
  return java
}
