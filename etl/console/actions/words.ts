import { z } from 'zod'
import type { Action, ActionName } from '../../operations/actions.ts'
import { deadLetterFilter, type DeadLetterFilter } from '../../dead-letters/filter.ts'
import { replayRange, type ReplayRange } from '../../replay/plan.ts'
import { html, type Html } from '../html.ts'
import { filterInWords } from '../dead-letters/filter.ts'

export const ACTION_NAMES: Readonly<Record<ActionName, string>> = {
  pause: 'Pause',
  resume: 'Resume',
  run_now: 'Run now',
  continue_partition: 'Let a partition go on',
  new_incarnation: 'New incarnation',
  acknowledge_loss: 'Acknowledge a data loss',
  move: 'Move to another topic',
  sweep: 'Sweep for missed deletions',
  redrive: 'Redrive',
  dismiss: 'Dismiss',
  replay: 'Replay',
  forget: 'Forget',
  test_alert: 'Test alert',
  stop_action: 'Stop an action',
  continue_action: 'Continue an action',
}

const partition = z.object({
  topic: z.string(),
  partition: z.number(),
  incarnation: z.number().optional(),
  from: z.number().optional(),
  offset: z.number().optional(),
  acceptedUntil: z.number().optional(),
})
const takeOver = z.object({ topic: z.string(), group: z.string(), takenOverFrom: z.string() })
const move = z.object({ from: z.array(z.string()), to: z.string(), abandoned: z.number() })
const swept = z.object({
  topic: z.string(),
  partition: z.number(),
  keys: z.number(),
  deleted: z.number(),
})
const letters = deadLetterFilter.strip()
const replay = z.object({ range: replayRange, dryRun: z.boolean(), fill: z.string().optional() })

const ofPartition =
  (words: (of: z.output<typeof partition>) => string) =>
  (target: unknown): string =>
    worded(partition, target, (of) => `${of.topic}/${of.partition}, ${words(of)}`)

const ofLetters = (target: unknown): string =>
  worded(letters, target, (filter) => `dead letters: ${filterInWords(filter)}`)

/** Which dead letters a redrive or a dismissal is about. */
export function filterOf({ action, target }: Action): DeadLetterFilter | undefined {
  return action === 'redrive' || action === 'dismiss' ? letters.safeParse(target).data : undefined
}

const ofAction = (target: unknown): string =>
  worded(z.object({ action: z.number() }), target, ({ action }) => `action ${action}`)

const WORDS: Readonly<Record<ActionName, (target: unknown) => string>> = {
  pause: () => 'all workers',
  resume: () => 'all workers',
  run_now: () => 'all workers',
  test_alert: () => 'all channels',
  stop_action: ofAction,
  continue_action: ofAction,
  redrive: ofLetters,
  dismiss: ofLetters,
  replay: (target) =>
    worded(
      replay,
      target,
      ({ range, dryRun, fill }) =>
        `${fill === undefined ? '' : `fill ${fill}: `}${rangeInWords(range)}${dryRun ? ', dry run' : ''}`,
    ),
  forget: (target) =>
    worded(
      z.object({ keys: z.array(z.array(z.union([z.string(), z.number()]))) }),
      target,
      ({ keys }) => `what is personal of ${keys.map((key) => key.join(', ')).join(' and of ')}`,
    ),
  continue_partition: (target) => {
    const { data } = takeOver.safeParse(target)
    return data === undefined
      ? ofPartition(({ acceptedUntil }) =>
          acceptedUntil === undefined
            ? 'its log is the known one again'
            : `accepted up to offset ${acceptedUntil}`,
        )(target)
      : `all of ${data.topic}: the group ${data.group} taken over from ${data.takenOverFrom}`
  },
  new_incarnation: ofPartition(
    ({ incarnation, offset }) => `incarnation ${incarnation} from offset ${offset}`,
  ),
  acknowledge_loss: ofPartition(({ from }) => `offsets lost from ${from} on`),
  move: (target) =>
    worded(
      move,
      target,
      ({ from, to, abandoned }) =>
        `from ${from.join(' and ')} to ${to}${abandoned === 0 ? '' : `, ${abandoned} offsets left unread`}`,
    ),
  sweep: (target) =>
    worded(
      swept,
      target,
      (of) => `${of.topic}/${of.partition}, ${of.deleted} of ${of.keys} keys that the log no longer has`,
    ),
}

/** What it acts on, in words. Of a target that is not as expected the bare JSON: the record must stay readable. */
export const targetInWords = ({ action, target }: Action): string => WORDS[action](target)

function worded<T>(schema: z.ZodType<T>, target: unknown, words: (of: T) => string): string {
  const parsed = schema.safeParse(target)
  return parsed.success ? words(parsed.data) : JSON.stringify(target)
}

export function rangeInWords(range: ReplayRange): string {
  if (range.kind === 'all') return 'everything that was loaded and that Kafka still holds'
  const to = range.to === undefined ? 'on' : `up to ${range.to}`
  return range.kind === 'offsets'
    ? `partition ${range.partition} from offset ${range.from} ${to}`
    : `records that Kafka got from ${range.from} ${to}`
}

const BADGES: Readonly<Record<Action['status'], string>> = {
  pending: '',
  running: 'busy',
  stopping: 'busy',
  stopped: 'warn',
  succeeded: 'good',
  failed: 'bad',
}

export const statusBadge = ({ status }: Action): Html =>
  html`<span class="badge ${BADGES[status]}">${status}</span>`

export const isUnderWay = ({ status }: Action): boolean =>
  status === 'pending' || status === 'running' || status === 'stopping'
