import type { Command } from 'commander'
import { forget, requireForgettable, type ForgetReport } from '../../etl/forget/forget.ts'
import { compile } from '../../etl/stream/compile.ts'
import { identityFields } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { personalFields } from '../../etl/stream/personal.ts'
import { parseRecordKey, type RecordKey } from '../../etl/stream/record-key.ts'
import { printable } from '../../etl/text/printable.ts'
import { count, thousands } from '../../etl/text/wording.ts'
import { addCommand, anId, JSON_OPTION } from './arguments.ts'
import { UsageError } from './errors.ts'
import { confirm, requireReason, thisOperator, withConsentOptions, type ConsentOptions } from './operator.ts'
import { print, printJson } from './output.ts'
import { inSession, namedStream, nameStream, type Session } from './session.ts'

interface Options extends ConsentOptions {
  readonly key: readonly string[]
  readonly deadLetter?: readonly number[]
  readonly reason: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export function addForget(parent: Command): void {
  const command = addCommand(
    parent,
    'forget',
    `Overwrites what is personal of records, wherever the warehouse has it: facts, versions and current rows, their lines,
and dead letters. What is counted stays, and so does the proof. It can't be undone.`,
    [
      'forget customers --key customer-17 --reason "Request of 3 May: INC-42" --dry-run',
      'forget customers --key customer-17 --key customer-18 --reason "INC-42" --yes',
      `forget visits --key '["session-1", "/home"]' --reason "INC-42"`,
      'forget customers --key customer-17 --dead-letter 12 --reason "INC-42"',
    ],
  )
    .argument('<stream>', 'the stream, as `pulse streams` names it')
    .requiredOption(
      '--key <value>',
      'the identity of a record, of versions the key; of several fields a JSON array. More than one may be given',
      (value: string, before?: readonly string[]) => [...(before ?? []), value],
    )
    .option(
      '--dead-letter <id>',
      'also this one, whose record does not say whose it is. More than one may be given',
      (value: string, before?: readonly number[]) => [...(before ?? []), anId(value)],
    )
    .requiredOption('--reason <text>', 'why, for whoever reads it in a year')
    .option('--dry-run', 'change nothing, say how much would be forgotten')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Forgotten values become null where a message may do without the field, else a marker: docs/OPERATIONS.md, Forget.
Not in reach: the topic and the dead-letter topic, which Kafka's retention clears; backups; logs of other programs. A
record that is loaded later is a new one: stop its source first.
Exit codes: 0 forgotten, 1 refused or failed (nothing was changed), 2 usage or configuration.`,
    )
  withConsentOptions(command).action(run)
}

async function run(name: string, options: Options): Promise<void> {
  const other = namedStream()
  if (other !== undefined && other !== name)
    throw new UsageError(`name one stream: ${name}, or --stream ${other}`)
  nameStream(name)
  const reason = requireReason(options.reason)
  const { dryRun = false, json = false, deadLetter = [] } = options
  await inSession(async (session) => {
    const { pool, definition } = session
    requireForgettable(definition)
    const stream = compile(definition)
    const request = { keys: keysOf(definition, options.key), deadLetters: deadLetter, reason }
    const by = thisOperator(options.by)
    const planned = await forget(pool, stream, by, { ...request, dryRun: true })
    if (dryRun) return show(session, planned, json)
    await confirm(inWords(session, planned), name, options.yes)
    show(session, await forget(pool, stream, by, { ...request, dryRun: false }), json)
  })
}

/** @throws UsageError that says what is wrong with which. */
function keysOf(definition: Definition, texts: readonly string[]): RecordKey[] {
  return texts.map((text, i) => {
    const key = parseRecordKey(definition, text)
    if (typeof key === 'string')
      throw new UsageError(`${texts.length === 1 ? '--key' : `--key number ${i + 1}`}: ${key}.`)
    return key
  })
}

function show(session: Session, report: ForgetReport, json: boolean): void {
  const { actionId } = report
  if (json) return printJson({ stream: session.stream, dryRun: actionId === null, ...report })
  const end =
    actionId === null
      ? 'Nothing was changed: it was a dry run.'
      : `On record as action ${actionId}: pulse actions`
  print(`${inWords(session, report)}\n${end}`)
}

/** What was overwritten, or is to be, and what stays where this command doesn't reach. */
function inWords({ definition, config }: Session, report: ForgetReport): string {
  const { facts, anew, currentRows, lines, deadLetters, payloads, perhaps, undecodable, actionId } = report
  const { latest, by } = definition.identity
  const isLatest = latest !== undefined
  const rows = [
    count(facts, isLatest ? 'version' : 'fact') +
      (facts === anew ? '' : ` (${thousands(facts - anew)} of them forgotten before)`),
    ...(isLatest ? [count(currentRows, 'current row')] : []),
    ...(lines === 0 ? [] : [count(lines, 'line')]),
    count(deadLetters, 'dead letter'),
    ...(payloads === 0 ? [] : [count(payloads, 'corrected value')]),
  ]
  const tables = Object.keys(definition.write?.tables ?? {})
  return [
    `${actionId === null ? 'To be overwritten' : 'Overwritten'}: ${personalFields(definition).join(', ')} of ${rows.join(', ')}.`,
    ...(perhaps.length === 0
      ? []
      : [
          `  Left as they are: dead letters whose records can't be read and that have such a ${identityFields(definition.identity).join(' and ')} in their bytes: ` +
            `${perhaps.join(', ')}. Look at them (pulse dead-letters show), and add --dead-letter.`,
        ]),
    ...(undecodable === 0
      ? []
      : [
          `  Left as they are: ${count(undecodable, 'dead letter')} of bytes that nobody could decode. Nothing can be looked for in them.`,
        ]),
    ...(tables.length === 0
      ? []
      : [`  Left as they are: ${tables.join(', ')}, which the stream writes itself.`]),
    `  Kafka still has it: ${config.KAFKA_TOPIC} and ${config.KAFKA_DLQ_TOPIC} until their retention takes it, and so have backups.`,
    by === 'log'
      ? '  Whatever record comes is a newer version, and is loaded as it is.'
      : `  A record that comes again is a duplicate and brings nothing back; another one${isLatest ? ', such as a newer version,' : ''} is loaded as it is.`,
  ]
    .map(printable)
    .join('\n')
}
