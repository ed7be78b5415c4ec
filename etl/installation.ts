import { InstallationError, loadPart, loadStreams } from './load-streams.ts'
import { STREAMS_FOLDER } from './process/streams-folder.ts'

/**
 * What this installation loads: the streams of STREAMS_DIR, else of this source tree. Whoever imports it is a
 * program, or belongs to one: where the streams can't be loaded, it ends with a sentence and exit code 2.
 */
export const streams = await orEnd(loadStreams(STREAMS_FOLDER))

/** What the streams bring besides, where their folder has it: `partOf('pages', [])`. */
export const partOf = <T>(...[part, none]: [part: Parameters<typeof loadPart>[1], none: T]): Promise<T> =>
  orEnd(loadPart(STREAMS_FOLDER, part, none))

async function orEnd<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading
  } catch (error) {
    if (!(error instanceof InstallationError)) throw error
    process.stderr.write(`${error.message}\n`)
    return process.exit(2)
  }
}
