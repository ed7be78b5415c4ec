import { relative } from 'node:path'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { STREAMS_FOLDER } from '../etl/process/streams-folder.ts'
import { aligned } from '../etl/text/table.ts'
import { count } from '../etl/text/wording.ts'
import { commandFailure } from './command-failure.ts'
import { placeIn } from './new-stream/folder.ts'
import { guessStream, type Guess } from './new-stream/guess.ts'
import { withoutMisfits } from './new-stream/misfits.ts'
import { renderStream } from './new-stream/render.ts'
import { NoGuess, sampleOfFile, sampleOfTopic, type Sample } from './new-stream/sample.ts'
import { wholeNumber } from './pulse/arguments.ts'

interface Flags {
  readonly sample?: string
  readonly topic?: string
  readonly last: number
  readonly tolerate: number
  readonly identity?: string[]
  readonly eventTime?: string
  readonly key?: string
}

const command = new Command('new-stream')
  .description(
    'Writes a first declaration of a stream, guessed from messages as they are: its fields with their words, what may be missing, the event time, the identity and the key. Each guess is marked for you to look at. Goes into STREAMS_DIR, else into streams/, with a line in index.ts; overwrites nothing.',
  )
  .argument('<name>', 'of the stream and its table: 1 to 31 of a to z, 0 to 9 and _', readName)
  .option('--sample <file>', 'messages, one JSON object a line; - is standard input')
  .option('--topic <topic>', 'read them from a topic of KAFKA_BROKERS instead')
  .option('--last <n>', 'of a topic: so many records from its end', wholeNumber(1, 100_000), 1_000)
  .option(
    '--tolerate <percent>',
    'leave out so many records at most that are unlike the others: they will be dead letters',
    wholeNumber(0, 50),
    0,
  )
  .option('--event-time <field>', 'the field that says when it happened, in place of a guess')
  .option(
    '--identity <fields>',
    'the fields that tell records apart, comma-separated, in place of a guess',
    (text) => text.split(','),
  )
  .option('--key <field>', 'the field that producers key messages by, in place of a guess')
  .addHelpText(
    'after',
    `
Examples:
  npm run new-stream -- visits --sample visits.ndjson
  npm run new-stream -- visits --topic site-visits --last 5000
  STREAMS_DIR=/srv/my-platform/streams npm run new-stream -- orders --sample orders.ndjson --identity order_no

Then: npm run generate-migration -- --name visits, and npm run topics, migrate, etl (docs/STREAMS.md).
A folder outside of this checkout also gets a tsconfig.json and global-sales-pulse.d.ts, so that an editor helps.
Exit codes: 0 written · 1 nothing was written, and why · 2 usage or configuration`,
  )
  .exitOverride()

function readName(text: string): string {
  if (/^[a-z][a-z0-9_]{0,30}$/.test(text)) return text
  throw new InvalidArgumentError('It must be 1 to 31 of a to z, 0 to 9 and _, beginning with a letter.')
}

async function main(): Promise<number> {
  try {
    command.parse()
    const name = command.args[0]!
    const flags = command.opts<Flags>()
    if ((flags.sample === undefined) === (flags.topic === undefined))
      command.error('error: name either --sample or --topic')
    const place = placeIn(STREAMS_FOLDER, name)
    const read =
      flags.topic === undefined ? sampleOfFile(flags.sample!) : await sampleOfTopic(flags.topic, flags.last)
    const { sample, misfits } = withoutMisfits(name, read, flags.tolerate)
    const guess = guessStream(name, sample, flags)
    const about = `${count(sample.records.length, 'record')} of ${sample.from}`
    const written = place.write(renderStream(guess, place.constant, about))
    console.log(report(guess, sample, misfits, written))
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const { message, exitCode } = commandFailure(error)
    console.error(error instanceof NoGuess ? error.message : message)
    return exitCode
  }
}

function report(
  guess: Guess,
  { records, skipped, from }: Sample,
  misfits: readonly string[],
  written: readonly string[],
): string {
  const { name, fields, key, eventTime, identity, leftOut } = guess
  const rows = fields.map(({ field, name: word, isOptional, guess: why }) => [
    field,
    `${word}${isOptional ? ', may be missing' : ''}`,
    why ?? '',
  ])
  return [
    `${count(records.length, 'record')} of ${from}; the declaration takes ${records.length === 1 ? 'it' : 'all of them'}.`,
    ...(skipped > 0
      ? [`Of ${count(skipped, 'other record')} the value is no JSON object: a dead letter.`]
      : []),
    ...(misfits.length > 0
      ? [
          `${count(misfits.length, 'other record')} ${misfits.length === 1 ? 'is' : 'are'} unlike the rest, and will be dead letters:`,
          ...[...new Set(misfits)].slice(0, 5).map((one) => `  ${one}`),
        ]
      : []),
    '',
    ...aligned(rows, () => false),
    '',
    `event time  ${eventTime.is}${because(eventTime.guess)}`,
    `identity    ${identity.is.join(', ')}${because(identity.guess)}`,
    `key         ${key.is}${because(key.guess)}`,
    ...(leftOut.length > 0 ? ['', 'Left out:', ...leftOut.map((one) => `  ${one}`)] : []),
    '',
    'Written:',
    ...written.map((path) => `  ${shown(path)}`),
    '',
    `Look at the lines that say "guess". Then: npm run generate-migration -- --name ${name}`,
  ].join('\n')
}

const because = (guess: string | undefined): string => (guess === undefined ? '' : ` (guess: ${guess})`)

/** From the working directory, where it is below that. */
function shown(path: string): string {
  const from = relative(process.cwd(), path)
  return from.startsWith('..') ? path : from
}

process.exitCode = await main()
