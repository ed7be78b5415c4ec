import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { streams } from '../etl/installation.ts'
import { FOLDERS, type JournalName } from '../etl/postgres/migrations.ts'
import { commandFailure } from './command-failure.ts'
import { WouldLose, writeMigration } from './migration/generate.ts'

const command = new Command('generate-migration')
  .description(
    `Writes what the declarations in streams/ (and the tables in etl/schema/) have and the migrations lack, into
streams/migrations/ (and migrations/). Writes nothing that drops or narrows: it says what to do by hand.
With STREAMS_DIR that folder is meant in place of streams/.`,
  )
  .requiredOption('--name <name>', 'what it does, such as channel_of_a_sale', readName)
  .addHelpText('after', '\nExit codes: 0 written, or nothing to write · 1 refused or failed · 2 usage')
  .exitOverride()

function readName(text: string): string {
  if (/^[a-z][a-z0-9_]{0,60}$/.test(text)) return text
  throw new InvalidArgumentError('It must be 1 to 61 of a to z, 0 to 9 and _, beginning with a letter.')
}

/** From the working directory, where it is below that. */
function shown(journal: JournalName, tag: string): string {
  const path = fileURLToPath(new URL(`${tag}.sql`, FOLDERS[journal]))
  const here = `${process.cwd()}/`
  return path.startsWith(here) ? path.slice(here.length) : path
}

async function main(): Promise<number> {
  try {
    const { name } = command.parse().opts<{ name: string }>()
    const engine = await writeMigration('engine', name, streams)
    const ofStreams = await writeMigration('streams', name, streams)
    if (engine !== undefined) console.log(`Written: ${shown('engine', engine)}`)
    if (ofStreams !== undefined) console.log(`Written: ${shown('streams', ofStreams)}`)
    if (engine === undefined && ofStreams === undefined)
      console.log('Nothing to write: the migrations have all that is declared.')
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const { message, exitCode } = commandFailure(error)
    console.error(error instanceof WouldLose ? error.message : message)
    return exitCode
  }
}

process.exitCode = await main()
