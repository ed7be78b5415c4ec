import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Checkout } from './checkout.ts'
import { BadOption } from './bad-option.ts'

const ROOT = join(import.meta.dirname, '../..')

/** The files as they are now, with whatever is not committed. */
export async function thisCheckout(): Promise<Checkout> {
  try {
    const commit = (await git('rev-parse', '--short', 'HEAD')).trim()
    const isChanged = (await git('status', '--porcelain')).trim() !== ''
    return { directory: ROOT, name: isChanged ? `${commit} with changes` : commit }
  } catch {
    return { directory: ROOT, name: 'this checkout' }
  }
}

/**
 * The files of another commit in a directory of their own, with what they need installed: as here where the
 * lock files are the same, else by `npm ci`.
 *
 * @param place an existing directory, for the caller to remove.
 * @throws BadOption where there is no such commit, Error where it can't be made to run.
 */
export async function otherCheckout(commit: string, place: string): Promise<Checkout> {
  const hash = await commitHash(commit)
  const directory = join(place, 'other')
  const archive = join(place, 'other.tar')
  await mkdir(directory)
  await git('archive', '--format=tar', '--output', archive, hash)
  await promisify(execFile)('tar', ['-xf', archive, '-C', directory])
  const checkout = { name: hash.slice(0, 7), directory }
  if (await haveSameLock(directory))
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  else await install(checkout)
  return checkout
}

/** @throws BadOption, before anything is started, where git knows no such commit. */
export async function commitHash(commit: string): Promise<string> {
  try {
    return (await git('rev-parse', '--verify', '--quiet', `${commit}^{commit}`)).trim()
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') throw new Error('--against needs git, which is not installed', { cause: error })
    const reason = stderr.trim() === '' ? 'there is no such commit here' : stderr.trim()
    throw new BadOption('--against', commit, `${reason}; it takes a commit, tag or branch of this repository`)
  }
}

async function haveSameLock(directory: string): Promise<boolean> {
  const [ours, theirs] = await Promise.all(
    [ROOT, directory].map((root) => readFile(join(root, 'package-lock.json'), 'utf8')),
  )
  return ours === theirs
}

async function install({ name, directory }: Checkout): Promise<void> {
  process.stderr.write(`installing what ${name} needs: its package-lock.json is another one\n`)
  try {
    await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: directory })
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`npm ci failed for ${name}, so it can't be measured\n${stderr}`.trim(), { cause: error })
  }
}

async function git(...args: string[]): Promise<string> {
  return (await promisify(execFile)('git', args, { cwd: ROOT })).stdout
}
