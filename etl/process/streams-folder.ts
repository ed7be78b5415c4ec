import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Those that come with the engine. */
export const SHIPPED_STREAMS = new URL('../../streams/', import.meta.url)

/**
 * Where this installation's streams are: what STREAMS_DIR names, from the working directory, else `streams/` of this
 * source tree. Only read at run time, so it may be mounted read-only.
 */
export const STREAMS_FOLDER: URL = streamsFolder(process.env['STREAMS_DIR'])

/** @param named a path; blank counts as not set. */
export function streamsFolder(named: string | undefined): URL {
  if (named === undefined || named === '') return SHIPPED_STREAMS
  return pathToFileURL(`${resolve(named)}/`)
}
