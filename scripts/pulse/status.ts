import type { Command } from 'commander'
import { setTimeout as delay } from 'node:timers/promises'
import { STOPS_FOR_RECORDS, type StopCode } from '../../etl/ledger/watermark.ts'
import type { Freshness } from '../../etl/status/flow.ts'
import type { Run } from '../../etl/status/runs.ts'
import { readStreams, stateOf as stateInWords, type StreamState } from '../../etl/status/streams.ts'
import { readStatus, type PartitionStatus, type Status } from '../../etl/status/status.ts'
import { printable } from '../../etl/text/printable.ts'
import { count, duration, thousands } from '../../etl/text/wording.ts'
import { addCommand, seconds } from './arguments.ts'
import { sentenceOf } from './errors.ts'
import { print, printJson, second, table, type Column } from './output.ts'
import { inSession, type Session } from './session.ts'

const DEFAULT_SECONDS = 5
const CLEAR_SCREEN = '\u001b[H\u001b[2J'

export function addStatus(parent: Command): void {
  addCommand(
    parent,
    'status',
    'What the job is doing: lag, last run, freshness, and what waits for an operator.',
    ['status', 'status --watch 2', "status --json | jq '.partitions[].lag'"],
  )
    .option('--watch [seconds]', `again and again, every ${DEFAULT_SECONDS} seconds by default`, seconds)
    .option('--json', 'print JSON instead; with --watch one object in a line')
    .action(printStatus)
}

async function printStatus(options: { watch?: true | number; json?: boolean }): Promise<void> {
  const { watch, json = false } = options
  await inSession(async (session) => {
    if (watch === undefined) {
      await show(session, json)
      return
    }
    const every = (watch === true ? DEFAULT_SECONDS : watch) * 1_000
    for (;;) {
      await showAgain(session, json)
      await delay(every)
    }
  })
}

/** Where there are several streams and none is named, all of them in a line each, and the first of them whole. */
async function show(session: Session, json: boolean, isWatched = false): Promise<void> {
  const { pool, isOfOne, installed } = session
  const names = installed.map(({ definition }) => definition.name)
  const [status, streams] = await Promise.all([readStatus(session), isOfOne ? [] : readStreams(pool, names)])
  if (json) return printJson(isOfOne ? status : { ...status, streams }, isWatched ? 0 : 2)
  const all = isOfOne ? [] : [...table(streams, STREAMS).map(printable), '']
  const text = [...all, renderStatus(status)].join('\n')
  print(isWatched ? `${process.stdout.isTTY ? CLEAR_SCREEN : ''}${text}\n` : text)
}

const STREAMS: readonly Column<StreamState>[] = [
  { heading: 'Stream', of: ({ name }) => name },
  { heading: 'State', of: (stream) => stateInWords(stream).words },
  { heading: 'Lag', of: ({ lag }) => lag },
  { heading: 'Workers', of: ({ workers }) => workers },
  { heading: 'Open alerts', of: ({ openAlerts }) => openAlerts },
  { heading: 'Last success', of: ({ succeededAt }) => succeededAt },
]

/** Whoever watches wants to see it come back: an error is told, and ends nothing. */
async function showAgain(session: Session, json: boolean): Promise<void> {
  try {
    await show(session, json, true)
  } catch (error) {
    console.error(`${new Date().toISOString()} ${sentenceOf(error)}`)
  }
}

const COLUMNS: readonly Column<PartitionStatus>[] = [
  { heading: 'Partition', of: ({ partition }) => String(partition) },
  { heading: 'Watermark', of: ({ watermark }) => watermark },
  { heading: 'Log start', of: ({ logStart }) => logStart },
  { heading: 'Log end', of: ({ logEnd }) => logEnd },
  { heading: 'Lag', of: ({ lag }) => lag },
  { heading: 'Group offset', of: ({ groupOffset }) => groupOffset },
  { heading: 'State', of: stateOf },
]

/** The status for people. */
function renderStatus(status: Status): string {
  const { kafka, partitions } = status
  const place = `Topic ${status.topic}, group ${status.groupId}, Kafka ${kafka.brokers}`
  const blocks = [
    [`${place}${kafka.clusterId === null ? '' : ` (cluster ${kafka.clusterId})`}, ${second(status.at)}`],
    warnings(status),
    partitions.length === 0 ? ['No partition is known: nothing was loaded yet.'] : table(partitions, COLUMNS),
    [
      ...renderRun(status.lastRun, status.at),
      ...renderFreshness(status.freshness),
      `Workers       ${workersOf(status)}`,
      `Alerts        ${status.openAlerts === 0 ? 'none open' : `${thousands(status.openAlerts)} open: see the console`}`,
      `Dead letters  ${status.openDeadLetters === 0 ? 'none open' : `${thousands(status.openDeadLetters)} open: pulse dead-letters groups`}`,
      `              ${count(status.unpublishedDeadLetters, 'waits', 'wait')} to be published`,
      `Data losses   ${status.openDataLosses === 0 ? 'none open' : `${thousands(status.openDataLosses)} open: pulse reconcile names them`}`,
    ],
  ]
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(printable).join('\n'))
    .join('\n\n')
}

function warnings({ kafka, topic, partitions, paused, isReadOnly }: Status): string[] {
  const found: string[] = []
  if (paused !== null) {
    const why = paused.reason === null ? '' : `: ${paused.reason}`
    found.push(`⚠️ paused since ${second(paused.since)} by ${paused.by ?? 'somebody'}${why}. pulse resume`)
  }
  if (kafka.error !== null)
    found.push(
      `⚠️ ${kafka.error}. Log, lag and group offsets are not known; the rest is what the warehouse says.`,
    )
  if (kafka.topicExists === false) found.push(`⚠️ Kafka has no topic ${topic}: make it with npm run topics`)
  if (isReadOnly)
    found.push(
      '⚠️ the warehouse is read-only (a standby, or default_transaction_read_only): nothing is loaded',
    )
  for (const { partition, stopCode, stoppedAt, stopReason } of partitions) {
    if (stopCode === null) continue
    const since = stoppedAt === null ? '' : ` since ${second(stoppedAt)}`
    found.push(
      `❌ partition ${partition} stands still${since} (${stopCode}): ${stopReason}. pulse partitions ${wayOut(stopCode, partition)}`,
    )
  }
  return found
}

function wayOut(stopCode: StopCode, partition: number): string {
  if (STOPS_FOR_RECORDS.includes(stopCode)) return `continue ${partition}`
  if (stopCode === 'moved') return 'list'
  if (stopCode === 'partitions_grew') return `new-incarnation ${partition} --from …`
  return stopCode === 'another_owner' ? 'take-over' : `new-incarnation ${partition} --from-beginning`
}

function workersOf({ workers }: Status): string {
  if (workers.length === 0) return 'none was seen lately: nothing is loaded, and what is asked for waits'
  return workers
    .map(
      ({ name, partitions, problem }) =>
        `${name} (${problem ?? (partitions.length === 0 ? 'no partition' : partitions.join(', '))})`,
    )
    .join(', ')
}

function stateOf({ stopCode, watermark, lag }: PartitionStatus): string {
  if (stopCode !== null) return `STOPPED (${stopCode})`
  if (watermark === null) return 'never loaded'
  if (lag === null) return 'unknown'
  return lag === 0 ? 'caught up' : lag < 0 ? 'the log ends below the watermark' : 'behind'
}

function renderRun(run: Run | null, now: Date): string[] {
  if (run === null) return ['Last run      none yet']
  const ago = `${duration(now.getTime() - run.startedAt.getTime())} ago`
  const took = run.durationMs === null ? '' : `, took ${duration(run.durationMs)}`
  return [
    `Last run      #${run.id} (${run.kind}) ${run.status}, began ${ago} at ${second(run.startedAt)}${took}`,
    `              ${thousands(run.consumed)} consumed = ${thousands(run.loaded)} loaded + ${thousands(run.duplicate)} duplicate + ` +
      `${run.skipped === 0 ? '' : `${thousands(run.skipped)} skipped + `}${thousands(run.deadLettered)} dead-lettered, in ${count(run.batches, 'batch', 'batches')}`,
    ...(run.error === null ? [] : [`              ${run.error}`]),
  ]
}

function renderFreshness({
  newestRecordAt,
  newestRecordAgeMs,
  batches,
  waitedP50Ms,
  waitedP95Ms,
}: Freshness): string[] {
  if (newestRecordAt === null || newestRecordAgeMs === null) return ['Freshness     nothing was loaded yet']
  const newest = `Freshness     Kafka stored the newest loaded record ${duration(newestRecordAgeMs)} ago`
  if (waitedP50Ms === null || waitedP95Ms === null) return [newest, '              no batch in the last hour']
  return [
    newest,
    `              from Kafka to the warehouse: ${duration(waitedP50Ms)} (p50), ${duration(waitedP95Ms)} (p95), ` +
      `for the oldest record of each of ${count(batches, 'batch', 'batches')} in the last hour`,
  ]
}
