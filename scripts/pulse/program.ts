import { Command, CommanderError } from 'commander'
import { EXIT, exitCodeOf, sentenceOf } from './errors.ts'
import { withExamples } from './arguments.ts'
import { addActions } from './actions.ts'
import { addDeadLetters } from './dead-letters.ts'
import { addPartitions } from './partitions.ts'
import { addForget } from './forget.ts'
import { addReconcile } from './reconcile.ts'
import { addReplay } from './replay.ts'
import { addRuns } from './runs.ts'
import { addStatus } from './status.ts'
import { nameStream } from './session.ts'
import { addStreams } from './streams.ts'
import { addSwitch } from './switch.ts'

const program = new Command('pulse')
  .usage('[command]')
  .description('Shows and steers the job that moves records from Kafka into the warehouse.')
  .addHelpText(
    'after',
    `
Reads KAFKA_*, DATABASE_URL: docs/CONFIGURATION.md.
Data goes to standard output: a table on a terminal, tab-separated in a pipe, JSON with --json
(npm run --silent pulse -- … keeps npm's own lines out).
Exit codes: 0 fine, 1 failed, 2 usage or configuration, 6 it ran, and there are findings.`,
  )
  .option('--stream <name>', 'the stream that is meant; the first of streams/index.ts unless given')
  .hook('preAction', (_program, command) => nameStream(command.optsWithGlobals<{ stream?: string }>().stream))
  .exitOverride()
withExamples(
  program,
  'status --watch',
  'reconcile --deep',
  'runs --limit 5',
  'partitions continue 0',
  'dead-letters list --since 2h',
  'replay --all --dry-run',
  'forget customers --key customer-17 --dry-run',
  'streams try transactions',
)
addStatus(program)
addReconcile(program)
addRuns(program)
addPartitions(program)
addDeadLetters(program)
addReplay(program)
addForget(program)
addActions(program)
addSwitch(program)
addStreams(program)

// A reader that has seen enough (`| head`) closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed),
)

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = failed(error)
}
// A question to Kafka that was given up on may still hold the process.
process.stdout.write('', () => process.exit())

/** Commander has told its own errors already. */
function failed(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  console.error(sentenceOf(error))
  return exitCodeOf(error)
}
