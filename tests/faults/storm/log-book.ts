import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What of a storm has been survived: counted only when the books were found right afterwards. */
export interface Survived {
  readonly seed: number
  /** Faults, by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** Of those, how many struck a worker in the middle of a load. */
  readonly inALoad: number
  /** Records, by what became of them. */
  readonly records: Readonly<Record<string, number>>
  /** Of striking and checking, without the pauses between two starts. */
  readonly seconds: number
}

export const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)

/** Both accounts in one, name by name. */
export function added(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const all = { ...one }
  for (const [name, count] of Object.entries(other)) all[name] = (all[name] ?? 0) + count
  return all
}

const NAME = 'survived.json'

/** What an earlier start has left in the directory; undefined if there was none. */
export function readLogBook(directory: string): Survived | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, NAME), 'utf8')) as Survived
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`${join(directory, NAME)} can't be read: ${(error as Error).message}`, { cause: error })
  }
}

/** Replaces it at once: a start that is killed here leaves the old one or the new one. */
export function writeLogBook(directory: string, survived: Survived): void {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, NAME)
  writeFileSync(`${file}.new`, `${JSON.stringify(survived, undefined, 2)}\n`)
  renameSync(`${file}.new`, file)
}
