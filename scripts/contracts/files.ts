import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SHIPPED_STREAMS, STREAMS_FOLDER } from '../../etl/process/streams-folder.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { changesBetween, inWords, isDangerous, type Change } from './compare.ts'
import { contractOf, type Contract } from './describe.ts'
import { pageOf } from './page.ts'

/** Where contracts and pages are, below this: beside the shipped streams, and in a folder of one's own. */
const ROOT =
  STREAMS_FOLDER.href === SHIPPED_STREAMS.href ? new URL('../../', import.meta.url) : STREAMS_FOLDER

/** A stream's contract is other than the one that is committed, in a way that is to be thought about. */
export class ContractRefused extends Error {
  override readonly name = 'ContractRefused'
}

/** Every file that is written of a declaration: its path, and its text. */
export const filesOf = (stream: Definition): ReadonlyMap<string, string> =>
  new Map([
    [`contracts/${stream.name}.json`, `${JSON.stringify(contractOf(stream), null, 2)}\n`],
    [`docs/streams/${stream.name}.md`, pageOf(stream)],
  ])

/** What differs between the committed contract of a stream and its declaration; nothing of one that is new. */
export function changesOf(stream: Definition, root = ROOT): Change[] {
  const committed = read(`contracts/${stream.name}.json`, root)
  // Of the declaration too what a JSON file keeps of it.
  const declared = JSON.parse(JSON.stringify(contractOf(stream))) as Contract
  return committed === undefined ? [] : changesBetween(JSON.parse(committed) as Contract, declared)
}

/** The paths of those files that are not as the declaration has them. */
export const outdated = (stream: Definition, root = ROOT): string[] =>
  [...filesOf(stream)].flatMap(([path, text]) => (read(path, root) === text ? [] : [path]))

/**
 * Refuses declarations that narrow or break what is committed.
 *
 * @throws ContractRefused with each of the changes.
 */
export function requireHarmless(streams: readonly Definition[], root = ROOT): void {
  const problems = streams.flatMap((stream) =>
    changesOf(stream, root)
      .filter(isDangerous)
      .map((change) => `  ${stream.name}: ${inWords(change)}`),
  )
  if (problems.length > 0)
    throw new ContractRefused(
      `Nothing was written. Against contracts/, this:\n${problems.join('\n')}\nWhere no such record was ever sent, say so: --accept`,
    )
}

/** Writes the files that are missing or not as declared. Gives their paths, and what changes by them. */
export function writeContracts(streams: readonly Definition[], root = ROOT): string[] {
  return streams.flatMap((stream) => {
    const said = changesOf(stream, root).map((change) => `${stream.name}: ${inWords(change)}`)
    const written = outdated(stream, root).map((path) => {
      const file = new URL(path, root)
      mkdirSync(new URL('.', file), { recursive: true })
      writeFileSync(file, filesOf(stream).get(path)!)
      return `Written: ${shownPath(file)}`
    })
    return [...said, ...written]
  })
}

/** From the working directory, where it is below that. */
export function shownPath(file: URL): string {
  const path = fileURLToPath(file)
  const here = `${process.cwd()}/`
  return path.startsWith(here) ? path.slice(here.length) : path
}

function read(path: string, root: URL): string | undefined {
  const file = new URL(path, root)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
