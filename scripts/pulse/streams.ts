import type { Command } from 'commander'
import { acceptedAgeDays } from '../../etl/housekeeping/retention.ts'
import { streams } from '../../etl/installation.ts'
import { openRegistry } from '../../etl/job/schema-registry.ts'
import { createKafka } from '../../etl/kafka/client.ts'
import { lastRecords } from '../../etl/kafka/last-records.ts'
import { readConfig } from '../../etl/process/config.ts'
import { createLogger } from '../../etl/process/log.ts'
import { compile } from '../../etl/stream/compile.ts'
import { identityFields } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { chosenStreams, environmentOf, installedStreams, type Installed } from '../../etl/stream/installed.ts'
import { isLatest } from '../../etl/stream/stored.ts'
import { printable } from '../../etl/text/printable.ts'
import { count, thousands } from '../../etl/text/wording.ts'
import { addCommand, anOffset, JSON_OPTION, wholeNumber } from './arguments.ts'
import { CommandFailed, EXIT, explain, UsageError } from './errors.ts'
import { withConsentOptions } from './operator.ts'
import { print, printJson, printRows, type Column } from './output.ts'
import { namedStream } from './session.ts'
import { moveStream } from './streams/move.ts'
import { sweepStream } from './streams/sweep.ts'
import { learnFrom, tryRecords, type Group, type Trial } from './streams/trial.ts'

export function addStreams(parent: Command): void {
  const commands = addCommand(
    parent,
    'streams',
    'What this installation loads, what would become of a topic’s records, and another topic for a stream.',
    ['streams', 'streams try visits --last 5000', 'streams move visits --topic site-visits-2 --reason …'],
  )
  addCommand(
    commands,
    'list',
    'The streams that are declared, each with its topics, in the order of index.ts.',
    ['streams list', "streams list --json | jq -r '.[].topic'"],
    { isDefault: true },
  )
    .option(...JSON_OPTION)
    .action(listStreams)
  addCommand(
    commands,
    'try',
    'Reads the newest records of a stream’s topic, and says what would become of them. Loads nothing, and leaves no trace.',
    ['streams try visits', 'streams try visits --last 50000 --json'],
  )
    .argument('[name]', 'the stream; the one of --stream, or the first, unless given')
    .option(
      '--last <n>',
      'so many records from the topic’s end, all partitions together',
      wholeNumber(1, 1_000_000),
      10_000,
    )
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Holds each record against the declaration and derives from it what it says, as the job would. A record is repeated
if another of those read has its identity: a duplicate, or a conflict if they differ. What the warehouse holds is not looked at.
Reads KAFKA_*, and SCHEMA_REGISTRY_* where records name schemas.
Exit codes: 0 every record is valid or skipped, 6 some would be dead letters or stop a partition, 1 failed,
2 usage or configuration.`,
    )
    .action(tryStream)
  const move = addCommand(
    commands,
    'move',
    'Lets a stream read another topic in place of the one before, which was renamed. What was loaded stays as it is.',
    [
      'streams move visits --topic site-visits-2 --reason "Renamed: INC-42"',
      'streams move visits --topic site-visits-2 --abandon 12 --reason "The old cluster is gone: INC-43"',
    ],
  )
    .argument('<name>', 'the stream')
    .requiredOption('--topic <new>', 'the topic that it reads from then on; it must be there')
    .requiredOption('--reason <text>', 'why, for whoever reads it in a year')
    .option('--abandon <offsets>', 'leave so many offsets of the topic before unread, for good', anOffset)
    .addHelpText(
      'after',
      `
First let every producer send to the new topic, and the workers read the one before to its end: while anything of it is
unread this is refused, with how much, unless --abandon says that number. What is abandoned is on record as a loss
(pulse reconcile prints it). Then set the stream's topic (KAFKA_TOPIC, STREAM_<NAME>_TOPIC) and start the workers anew:
they load nothing before. pulse reconcile proves both topics, and names what is sent to the one before later.
To go back: the same with the topic before, which goes on at its watermarks.
Not for streams whose identity is each record, or that their log orders.
Exit codes: 0 moved, 1 refused or failed, 2 usage or configuration.`,
    )
  withConsentOptions(move).action(moveStream)
  const sweep = addCommand(
    commands,
    'sweep',
    'Reads a compacted topic from its start, and marks the keys as deleted that it no longer has.',
    [
      'streams sweep prices --dry-run --reason "Away for a week"',
      'streams sweep prices --reason "Away for a week: INC-42"',
    ],
  )
    .argument('<name>', 'a stream that its log orders')
    .requiredOption('--reason <text>', 'why, for whoever reads it in a year')
    .option('--dry-run', 'change nothing, say how many')
    .addHelpText(
      'after',
      `
A compacted topic keeps a deletion for delete.retention.ms only. Who was away for longer may never see it: pulse reconcile
has a finding then, until this is done. A key that has any record in the log is left alone, and so is one that is being
loaded. Interrupted it can be given again; it does the rest.
Exit codes: 0 done, 1 refused or failed, 2 usage or configuration.`,
    )
  withConsentOptions(sweep).action(sweepStream)
}

const LINE: readonly Column<Installed<{ KAFKA_TOPIC: string; KAFKA_DLQ_TOPIC: string }>>[] = [
  { heading: 'stream', of: ({ definition }) => definition.name },
  { heading: 'topic', of: ({ config }) => config.KAFKA_TOPIC },
  { heading: 'dead letters', of: ({ config }) => config.KAFKA_DLQ_TOPIC },
  { heading: 'rows', of: ({ definition }) => rowOf(definition) },
  { heading: 'kept', of: ({ definition }) => definition.keep ?? null },
]

function rowOf(definition: Definition): string {
  const { identity, title } = definition
  if (identity.each !== undefined) return `each ${title}`
  const fields = identityFields(identity).join(', ')
  return isLatest(definition) ? `newest ${title} of ${fields}` : `${title}, once by ${fields}`
}

function listStreams({ json = false }: { json?: boolean }): void {
  const installed = installedStreams(readConfig(['kafka']), streams)
  if (json)
    printJson(
      installed.map(({ definition: { name, title, identity, keep }, config }) => ({
        name,
        title,
        identity,
        keep: keep ?? null,
        topic: config.KAFKA_TOPIC,
        deadLetterTopic: config.KAFKA_DLQ_TOPIC,
        groupId: config.KAFKA_GROUP_ID,
      })),
    )
  else printRows(installed, LINE, { json, none: 'No stream is declared.' })
}

async function tryStream(
  name: string | undefined,
  { last, json = false }: { last: number; json?: boolean },
): Promise<void> {
  const other = namedStream()
  if (name !== undefined && other !== undefined && name !== other)
    throw new UsageError(`name one stream: ${name}, or --stream ${other}`)
  const chosen = name ?? other
  const general = readConfig(['kafka', 'etl', 'housekeeping'], process.env, environmentOf(streams))
  const [{ definition, config }] = chosenStreams(
    installedStreams(general, streams),
    chosen === undefined ? undefined : [chosen],
    name === undefined ? '--stream' : 'streams try',
  ) as [Installed<typeof general>]
  const stream = compile(definition, config)
  const topic = config.KAFKA_TOPIC
  const kafka = createKafka(config, createLogger('silent'), 'global-sales-pulse-pulse')
  const rules = { stream, maxAgeDays: acceptedAgeDays(config, definition) }
  let trial: Trial
  try {
    trial = await tryRecords(rules, lastRecords(kafka, topic, last), learnFrom(openRegistry(config), stream))
  } catch (error) {
    throw new CommandFailed(explain(error, config), { cause: error })
  }
  if (json) printJson({ stream: definition.name, topic, ...trial })
  else show(definition.name, topic, trial)
  if (trial.rejected > 0 || trial.stops > 0) process.exitCode = EXIT.findings
}

const GROUP: readonly Column<Group>[] = [
  { heading: 'what', of: ({ outcome }) => outcome },
  { heading: 'why', of: ({ failure }) => failure },
  { heading: 'count', of: (group) => group.count },
  { heading: 'first at', of: ({ example: { partition, offset } }) => `${partition}:${offset}` },
  { heading: 'what is wrong', of: ({ example }) => example.issue },
]

function show(name: string, topic: string, trial: Trial): void {
  const { records, valid, repeated, rejected, skipped, stops, groups, alwaysNull } = trial
  if (records === 0) return print(`${topic} holds no record: nothing was tried.`)
  if (groups.length > 0) printRows(groups, GROUP, { json: false, none: '' })
  const seen = repeated === 0 ? '' : ` (${thousands(repeated)} repeated)`
  print(
    `${name}: of ${count(records, 'record')} of ${topic}, ${thousands(valid)} valid${seen}, ${count(rejected, 'dead letter')}, ${thousands(skipped)} skipped${stops === 0 ? '' : `; a partition would stop ${count(stops, 'time')}`}. Nothing was loaded.`,
  )
  if (alwaysNull.length > 0)
    print(`Null in every valid record: ${printable(alwaysNull.join(', '))}. Is their path right?`)
}
