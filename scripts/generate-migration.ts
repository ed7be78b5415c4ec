import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { streams } from '../etl/installation.ts'
import { FOLDERS, type JournalName } from '../etl/postgres/migrations.ts'
import { commandFailure } from './command-failure.ts'
import { ContractRefused, requireHarmless, shownPath, writeContracts } from './contracts/files.ts'
import { WouldLose, writeMigration } from './migration/generate.ts'

const command = new Command('generate-migration')
  .description(
    `Writes what the declarations in streams/ (and the tables in etl/schema/) have and the migrations lack, into
streams/migrations/ (and migrations/), and with it the contracts and pages of the streams, as generate-contracts does.
Writes nothing that drops or narrows: it says what to do by hand. With STREAMS_DIR that folder is meant in place of
streams/.`,
  )
  .requiredOption('--name <name>', 'what it does, such as channel_of_a_sale', readName)
  .option('--accept', 'write also a contract that narrows or breaks: no such record was ever sent')
  .addHelpText('after', '\nExit codes: 0 written, or nothing to write · 1 refused or failed · 2 usage')
  .exitOverride()

function readName(text: string): string {
  if (/^[a-z][a-z0-9_]{0,60}$/.test(text)) return text
  throw new InvalidArgumentError('It must be 1 to 61 of a to z, 0 to 9 and _, beginning with a letter.')
}

const shown = (journal: JournalName, tag: string): string =>
  shownPath(new URL(`${tag}.sql`, FOLDERS[journal]))

async function main(): Promise<number> {
  try {
    const { name, accept } = command.parse().opts<{ name: string; accept?: true }>()
    if (accept !== true) requireHarmless(streams)
    const engine = await writeMigration('engine', name, streams)
    const ofStreams = await writeMigration('streams', name, streams)
    if (engine !== undefined) console.log(`Written: ${shown('engine', engine)}`)
    if (ofStreams !== undefined) console.log(`Written: ${shown('streams', ofStreams)}`)
    const contracts = writeContracts(streams)
    if (contracts.length > 0) console.log(contracts.join('\n'))
    if (engine === undefined && ofStreams === undefined)
      console.log('Nothing to write: the migrations have all that is declared.')
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const { message, exitCode } = commandFailure(error)
    console.error(error instanceof WouldLose || error instanceof ContractRefused ? error.message : message)
    return exitCode
  }
}

process.exitCode = await main()
