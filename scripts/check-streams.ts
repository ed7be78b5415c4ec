import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadPart, loadStreams } from '../etl/load-streams.ts'
import { difference } from './migration/generate.ts'
import { SHIPPED_STREAMS, STREAMS_FOLDER } from '../etl/process/streams-folder.ts'
import { messageOf } from '../etl/text/message-of.ts'
import { runCommand } from './command-failure.ts'
import { TSCONFIG } from './new-stream/folder.ts'
import { compile, languageTypes, TYPES_FILE, writeTypes } from './new-stream/types-file.ts'

const HELP = `Usage: npm run check-streams

Checks the folder of streams, STREAMS_DIR or streams/, without a server: that the declarations load, that the
TypeScript compiler has no complaint against the types of this version, and that the migrations make what is declared.
Brings global-sales-pulse.d.ts, which editors read, up to this version where the folder can be written to.

Exit codes: 0 in order, 1 something is not, 2 usage, or the declarations can't be loaded.`

async function main(): Promise<number> {
  const folder = STREAMS_FOLDER
  const streams = await loadStreams(folder)
  for (const part of ['pages', 'samples', 'dashboards'] as const) await loadPart(folder, part, undefined)
  console.log(`Declared: ${streams.map(({ name }) => name).join(', ') || 'nothing'}`)
  const checks = [
    await check('types', () => checkTypes(folder)),
    await check('migrations', () => checkMigrations(streams)),
  ]
  return checks.every((isFine) => isFine) ? 0 : 1
}

/** Says what a check finds; it throws what is wrong. */
async function check(name: string, work: () => string | Promise<string>): Promise<boolean> {
  try {
    console.log(`${name}: ${await work()}`)
    return true
  } catch (error) {
    console.error(`${name}: ${messageOf(error)}`)
    return false
  }
}

function checkTypes(folder: URL): string {
  if (folder.href === SHIPPED_STREAMS.href) {
    // In the image there is no tsconfig.json: its sources were checked before it was built.
    const tsconfig = fileURLToPath(new URL('../tsconfig.json', import.meta.url))
    if (!existsSync(tsconfig)) return 'as they were when this image was built'
    compile(['-p', tsconfig, '--noEmit'])
    return 'in order'
  }
  const types = languageTypes()
  const temporary = mkdtempSync(join(tmpdir(), 'pulse-check-'))
  try {
    writeFileSync(join(temporary, TYPES_FILE), types)
    writeFileSync(join(temporary, 'tsconfig.json'), JSON.stringify(against(folder)))
    compile(['-p', temporary])
  } finally {
    rmSync(temporary, { recursive: true })
  }
  return `in order${refreshed(folder, types) ? `; ${TYPES_FILE} is now that of this version` : ''}`
}

/** The folder's files with the types of this version, in place of those that lie there. */
const against = (folder: URL) => ({
  ...(JSON.parse(TSCONFIG) as object),
  include: [`${fileURLToPath(folder)}**/*.ts`, TYPES_FILE],
  exclude: [fileURLToPath(new URL(TYPES_FILE, folder)), `${fileURLToPath(folder)}**/node_modules`],
})

function refreshed(folder: URL, types: string): boolean {
  try {
    return writeTypes(folder, types)
  } catch {
    return false // mounted read-only; editors have theirs from where it can be written
  }
}

async function checkMigrations(streams: Awaited<ReturnType<typeof loadStreams>>): Promise<string> {
  const { statements } = await difference('streams', streams)
  if (statements.length === 0) return 'they make what is declared'
  throw new Error(
    `these statements are missing; npm run generate-migration -- --name what_it_does writes them:\n${statements.map((one) => `  ${one.split('\n')[0]}`).join('\n')}`,
  )
}

await runCommand(HELP, main)
