import { realpathSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { StreamError } from './stream/define.ts'
import type { Definition } from './stream/definition.ts'
import { messageOf } from './text/message-of.ts'

/** The streams of this installation can't be loaded: says in which file, the problem and what is accepted. */
export class InstallationError extends Error {
  override readonly name = 'InstallationError'
}

/** The name by which declarations import the language, and its module. */
const LANGUAGE = 'global-sales-pulse/streams'
const LANGUAGE_URL = new URL('./stream/index.ts', import.meta.url).href

const FIRST_ONE = 'npm run new-stream -- NAME --sample messages.ndjson writes a first one'

/**
 * The streams that a folder declares, in the order of its `index.ts`.
 *
 * @param folder a file URL that ends with a slash.
 * @throws InstallationError.
 */
export async function loadStreams(folder: URL): Promise<readonly Definition[]> {
  const streams = await load(folder, 'index.ts', 'streams')
  if (streams === undefined)
    throw new InstallationError(
      `${nameOf(folder)} has no index.ts: it must be a folder with one; ${FIRST_ONE}`,
    )
  if (!Array.isArray(streams))
    throw new InstallationError(
      `${nameOf(folder, 'index.ts')}: streams must be the list of what defineStream made, such as [visits]`,
    )
  const names = new Set<string>()
  for (const [i, stream] of (streams as unknown[]).entries()) {
    if (!isDefinition(stream))
      throw new InstallationError(
        `${nameOf(folder, 'index.ts')}: streams[${i}] is nothing that defineStream made`,
      )
    if (names.has(stream.name))
      throw new InstallationError(`${nameOf(folder, 'index.ts')}: two streams are named ${stream.name}`)
    names.add(stream.name)
  }
  return streams as readonly Definition[]
}

/**
 * What a folder may have besides its streams: pages, samples, a story or dashboards.
 *
 * @param part the file's name without .ts, and that of its export.
 * @returns `none` where there is no such file.
 * @throws InstallationError.
 */
export async function loadPart<T>(
  folder: URL,
  part: 'pages' | 'samples' | 'story' | 'dashboards' | 'alerts',
  none: T,
): Promise<T> {
  return (
    ((await load(folder, part === 'alerts' ? 'dashboards.ts' : `${part}.ts`, part)) as T | undefined) ?? none
  )
}

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' && value !== null && 'name' in value && 'fields' in value && 'identity' in value

/** An export of a file of the folder; undefined where the file isn't there. */
async function load(folder: URL, file: string, name: string): Promise<unknown> {
  requireFolder(folder)
  const url = new URL(file, folder)
  if (statSync(url, { throwIfNoEntry: false })?.isFile() !== true) return undefined
  nameTheLanguage(folder)
  let module: Record<string, unknown>
  try {
    module = (await import(url.href)) as Record<string, unknown>
  } catch (error) {
    throw new InstallationError(explain(error, folder, file), { cause: error })
  }
  if (name === 'alerts' && !(name in module)) return undefined
  if (!(name in module))
    throw new InstallationError(
      `${nameOf(folder, file)} exports no ${name}: it must export const ${name} = …`,
    )
  return module[name]
}

function requireFolder(folder: URL): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new InstallationError(
      `STREAMS_DIR: ${nameOf(folder)} is no folder; it must be one with an index.ts; ${FIRST_ONE}`,
    )
}

/** What broke, in which file and line of the folder as far as it can be told. */
function explain(error: unknown, folder: URL, file: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  // A frame, or the first line of what Node says of a file that it can't read.
  const at = stack.indexOf(folder.href) === -1 ? fileURLToPath(folder) : folder.href
  const place = stack.slice(Math.max(0, stack.indexOf(at))).match(/^(\S+?\.[cm]?[jt]s)(:\d+)?/)
  const where = place === null ? nameOf(folder, file) : `${pathOf(place[1]!)}${place[2] ?? ''}`
  if (error instanceof StreamError) return `${where}: ${error.message}`
  if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND')
    return `${messageOf(error)}; a declaration may import ${LANGUAGE}, files beside it and Node's own modules`
  return `${where}: ${messageOf(error)}`
}

const pathOf = (place: string): string => (place.startsWith('file:') ? fileURLToPath(place) : place)
const nameOf = (folder: URL, file = ''): string => fileURLToPath(new URL(file, folder)).replace(/\/$/, '')

/** Folders whose files are modules whatever lies beside them. */
const folders = new Set<string>()

/**
 * From now on the language's name is resolved from any folder, also outside of this package, where Node finds no
 * package of that name; and files of the folder are modules without a package.json that says so.
 */
function nameTheLanguage(folder: URL): void {
  if (folders.size === 0)
    registerHooks({
      resolve: (specifier, context, next) => {
        if (specifier === LANGUAGE) return { url: LANGUAGE_URL, shortCircuit: true }
        const resolved = next(specifier, context)
        return resolved.url.endsWith('.ts') && [...folders].some((one) => resolved.url.startsWith(one))
          ? { ...resolved, format: 'module-typescript' }
          : resolved
      },
    })
  folders.add(pathToFileURL(`${realpathSync(folder)}/`).href)
}
