import { Option, type Command } from 'commander'
import { deadLetterFilter, type DeadLetterFilter } from '../../../etl/dead-letters/filter.ts'
import {
  groupDeadLetters,
  listDeadLetters,
  type DeadLetterGroup,
  type DeadLetterLine,
} from '../../../etl/dead-letters/list.ts'
import { readDeadLetter, type DeadLetter } from '../../../etl/dead-letters/letter.ts'
import { originOf } from '../../../etl/ledger/dead-letters.ts'
import type { Action } from '../../../etl/operations/actions.ts'
import { DEAD_LETTER_CODES } from '../../../etl/schema/audit.ts'
import { hexDump } from '../../../etl/text/hex.ts'
import { printable, isPlain } from '../../../etl/text/printable.ts'
import { count } from '../../../etl/text/wording.ts'
import { aMoment, aPartition } from '../arguments.ts'
import { UsageError } from '../errors.ts'
import { print, printJson, printRows, second, type Column } from '../output.ts'
import { inSession } from '../session.ts'

export interface FilterOptions {
  readonly failure?: string
  readonly code?: string
  readonly partition?: number
  readonly since?: Date
  readonly until?: Date
  readonly text?: string
  readonly state?: string
}

/** Which dead letters: those for which everything holds that is given. */
export function withFilterOptions(command: Command): Command {
  return command
    .option('--failure <failure>', 'only those of this group, as `groups` names it')
    .addOption(new Option('--code <code>', 'only those').choices(DEAD_LETTER_CODES))
    .option('--partition <n>', 'only of this partition', aPartition)
    .option('--since <when>', 'rejected since so long ago (30m, 2h, 7d) or since a time (ISO 8601)', aMoment)
    .option('--until <when>', 'rejected before', aMoment)
    .option('--text <text>', 'with it, as written, in issues, batch, key or value; or an origin')
}

export const stateOption = (): Option =>
  new Option('--state <state>', 'what became of them').choices(['open', 'resolved', 'all']).default('open')

/** @throws UsageError that names the option. */
export function filterOf(options: FilterOptions, ids: readonly number[] = []): DeadLetterFilter {
  const { failure, code, partition, since, until, text, state } = options
  const parsed = deadLetterFilter.safeParse({
    ids: ids.length === 0 ? undefined : [...new Set(ids)],
    failure,
    code,
    partition,
    since: since?.toISOString(),
    until: until?.toISOString(),
    text,
    state,
  })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const [field] = issue?.path ?? []
  throw new UsageError(`${field === 'ids' ? 'The ids' : `--${String(field)}`}: ${issue?.message}.`)
}

/** Whether it names any dead letters at all. */
export function isNarrowed({ state: _state, ...filter }: DeadLetterFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined)
}

/** Of a list of dead letters. */
export const LINE: readonly Column<DeadLetterLine>[] = [
  { heading: 'id', of: ({ id }) => String(id) },
  { heading: 'since', of: ({ createdAt }) => createdAt },
  { heading: 'code', of: ({ code }) => code },
  { heading: 'origin', of: originOf },
  { heading: 'bytes', of: ({ valueBytes }) => valueBytes },
  { heading: 'published', of: ({ publishedAt }) => (publishedAt === null ? 'no' : 'yes') },
  { heading: 'resolved', of: whatBecame },
  { heading: 'issues', of: ({ issues }) => issues.map(({ message }) => message).join('; ') },
]

function whatBecame({ redrivenAt, resolvedAt, resolution }: DeadLetterLine): string {
  if (resolvedAt !== null) return resolution ?? 'yes'
  return redrivenAt === null ? 'no' : 'sent again'
}

export async function printDeadLetters(
  options: FilterOptions & { limit: number; before?: number; json?: boolean },
): Promise<void> {
  const { limit, before, json = false } = options
  const filter = filterOf(options)
  await inSession(async ({ pool, stream }) => {
    const letters = await listDeadLetters(pool, stream, filter, { limit, before })
    printRows(letters, LINE, { json, none: 'There is no such dead letter.' })
  })
}

const GROUP: readonly Column<DeadLetterGroup>[] = [
  { heading: 'failure', of: ({ failure }) => failure },
  { heading: 'count', of: (group) => group.count },
  { heading: 'waiting', of: ({ waiting }) => waiting },
  { heading: 'first', of: ({ firstAt }) => firstAt },
  { heading: 'last', of: ({ lastAt }) => lastAt },
  { heading: 'sample', of: ({ sample }) => String(sample.id) },
  { heading: 'what is wrong', of: ({ sample }) => sample.message },
]

export async function printGroups(options: FilterOptions & { readonly json?: boolean }): Promise<void> {
  const filter = filterOf(options)
  await inSession(async ({ pool, stream }) => {
    const groups = await groupDeadLetters(pool, stream, filter)
    printRows(groups, GROUP, { json: options.json ?? false, none: 'There is no such dead letter.' })
  })
}

export async function showDeadLetter(
  id: number,
  { json = false, full = false }: { json?: boolean; full?: boolean },
): Promise<void> {
  await inSession(async ({ pool }) => {
    const letter = await readDeadLetter(pool, id)
    if (json) printJson(asJson(letter))
    else print(render(letter, full))
  })
}

function asJson(letter: DeadLetter) {
  const headers = letter.headers.map(({ key, value }) => ({ key, value: asPayload(value) }))
  return { ...letter, key: asPayload(letter.key), value: asPayload(letter.value), headers }
}

/** The bytes for programs, and the text for eyes where there is one. */
function asPayload(bytes: Buffer | null) {
  if (bytes === null) return null
  return { bytes: bytes.length, base64: bytes.toString('base64'), text: plainText(bytes) ?? null }
}

const when = (at: Date | null, otherwise: string): string => (at === null ? otherwise : second(at))

function render(letter: DeadLetter, full: boolean): string {
  const lines = [
    `Dead letter ${letter.id} of ${originOf(letter)}`,
    `Code       ${letter.code}`,
    ...letter.issues.map(({ message }, i) => `${i === 0 ? 'Issues     ' : '           '}${message}`),
    `Batch      ${letter.batchId}`,
    `Stored     ${second(letter.kafkaTimestamp)} by Kafka`,
    `Rejected   ${second(letter.createdAt)}`,
    `Published  ${when(letter.publishedAt, 'not yet')}`,
    `Resolved   ${when(letter.resolvedAt, 'no')}${letter.resolution === null ? '' : ` (${letter.resolution})`}`,
    ...(letter.redrivenAt === null ? [] : [`Sent again ${second(letter.redrivenAt)}, outcome not known yet`]),
    ...(letter.redriveOf === null
      ? [`Attempts   ${letter.attempts} failed again`]
      : [`Redrive of ${letter.redriveOf}`]),
    ...letter.chain.filter(({ id }) => id !== letter.id).map(chainLine),
    ...letter.actions.map(actionLine),
  ]
  const payloads = [
    ...letter.headers.flatMap(({ key, value }) => renderPayload(`Header ${key}`, value, full)),
    ...renderPayload('Key', letter.key, full),
    ...renderPayload('Value', letter.value, full),
  ]
  return [...lines, '', ...payloads].map(printable).join('\n')
}

function chainLine({ id, createdAt, redriveOf, resolution, resolvedAt }: DeadLetterLine): string {
  const what = redriveOf === null ? 'First      ' : 'Attempt    '
  return `${what}${id}, ${second(createdAt)}: ${resolvedAt === null ? 'open' : (resolution ?? 'resolved')}`
}

function actionLine({ id, action, requestedBy, requestedAt, status, reason }: Action): string {
  return `Action     ${id}, ${second(requestedAt)}: ${action} by ${requestedBy}, ${status}${reason === null ? '' : ` (${reason})`}`
}

/** What is shown of a payload that is longer. */
export const SHORT_BYTES = 4_096

/** The text that bytes hold, where they are UTF-8 that a terminal shows and doesn't obey; else undefined. */
export function plainText(bytes: Buffer): string | undefined {
  try {
    // The decoder would take a byte order mark away.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return isPlain(text) ? text : undefined
  } catch {
    return undefined
  }
}

/** A payload for people, under a heading: as text where that is safe, else as a hex dump. */
export function renderPayload(name: string, bytes: Buffer | null, full: boolean): string[] {
  if (bytes === null) return [`${name}: null`]
  if (bytes.length === 0) return [`${name}: empty`]
  const text = plainText(bytes)
  const size = count(bytes.length, 'byte')
  if (text === undefined) {
    const shown = full ? bytes : bytes.subarray(0, SHORT_BYTES)
    return [
      `${name}: ${size}, not plain UTF-8 text`,
      ...indented(hexDump(shown)),
      ...rest(bytes.length - shown.length),
    ]
  }
  const shown = full ? text : text.slice(0, SHORT_BYTES)
  return [
    `${name}: ${size} of text`,
    ...indented(shown),
    ...(shown.length < text.length ? ['  … (--full shows all)'] : []),
  ]
}

const rest = (bytes: number): string[] =>
  bytes > 0 ? [`  … ${count(bytes, 'byte')} more (--full shows all)`] : []

const indented = (text: string): string[] => text.split(/\r\n|\r|\n/).map((line) => `  ${line}`)
