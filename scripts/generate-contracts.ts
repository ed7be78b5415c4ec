import { Command, CommanderError } from 'commander'
import { streams } from '../etl/installation.ts'
import { commandFailure } from './command-failure.ts'
import { ContractRefused, requireHarmless, writeContracts } from './contracts/files.ts'

const command = new Command('generate-contracts')
  .description(
    'Writes contracts/<stream>.json (JSON Schema of the messages, identity, units) and docs/streams/<stream>.md from the\ndeclarations in streams/, and says what changes by it: widens, narrows or breaks. Refuses to narrow or break.\ngenerate-migration does the same, beside the migration.',
  )
  .option('--accept', 'write also what narrows or breaks: no such record was ever sent')
  .addHelpText('after', '\nExit codes: 0 written, or nothing to write · 1 refused or failed · 2 usage')
  .exitOverride()

function main(): number {
  try {
    if (command.parse().opts<{ accept?: true }>().accept !== true) requireHarmless(streams)
    const said = writeContracts(streams)
    console.log(
      said.length === 0 ? 'Nothing to write: contracts and pages are as declared.' : said.join('\n'),
    )
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const { message, exitCode } = commandFailure(error)
    console.error(error instanceof ContractRefused ? error.message : message)
    return exitCode
  }
}

process.exitCode = main()
