import type { ClientBase, Pool } from 'pg'
import { differs } from '../job/known-log.ts'
import type { Kafka } from '../kafka/client.ts'
import { openLogReader } from '../kafka/log-reader.ts'
import { topicsNow, type PartitionEnd, type TopicsNow } from '../kafka/topic-now.ts'
import { firstWatermark, lockSourceNumbers, topicsRead } from '../ledger/first-watermark.ts'
import { abandonOffsets } from '../ledger/losses.ts'
import {
  leaveTopic,
  lockAllProgress,
  readAllProgress,
  returnToTopic,
  type Progress,
} from '../ledger/watermark.ts'
import {
  ActionRefused,
  recordAction,
  requireNoOtherReplay,
  type Action,
  type Operator,
} from '../operations/actions.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Definition } from '../stream/definition.ts'
import { count, offsets } from '../text/wording.ts'

/** What a stream's topics are when somebody wants it to read another one. */
export interface MoveNow {
  readonly stream: string
  readonly to: string
  /** Those that it reads and would leave. */
  readonly from: readonly string[]
  readonly now: TopicsNow
  /** Partitions whose log can't be read to its end any more, each with why. */
  readonly lost: ReadonlyMap<string, string>
}

/**
 * Looks at the topics of a stream before it is moved.
 *
 * @param taken topics of this installation that are another's, or of dead letters, each with whose it is.
 * @throws ActionRefused where it can't be moved there.
 */
export async function lookAtMove(
  pool: Pool,
  kafka: Kafka,
  stream: Definition,
  to: string,
  taken: ReadonlyMap<string, string>,
): Promise<MoveNow> {
  requireMovable(stream, to)
  const owner = taken.get(to) ?? (await ownerOf(pool, stream.name, to))
  if (owner !== undefined)
    throw new ActionRefused(`The topic ${to} is ${owner}: a record belongs to one stream.`)
  const read = await topicsRead(pool, stream.name)
  const from = read.filter((topic) => topic !== to)
  if (read.length === 0)
    throw new ActionRefused(
      `The stream ${stream.name} has read no topic yet: there is nothing to move. Set its topic to ${to}, and it begins there.`,
    )
  if (from.length === 0) throw new ActionRefused(`The stream ${stream.name} reads ${to}: nothing to do.`)
  const now = await topicsNow(kafka, [to, ...from])
  if (!now.bounds.has(to))
    throw new ActionRefused(
      `Kafka has no topic ${to}: make it first, as npm run topics does where it is the stream's topic.`,
    )
  const lost = new Map<string, string>()
  for (const topic of from)
    for (const progress of await readAllProgress(pool, topic)) {
      const why = await whyLost(kafka, progress, now)
      if (why !== undefined) lost.set(nameOf(progress), why)
    }
  return { stream: stream.name, to, from, now, lost }
}

/**
 * Of a stream whose records have no order or identity but their place in one log, a second log has no place in it.
 *
 * @throws ActionRefused
 */
function requireMovable({ name, identity }: Definition, to: string): void {
  if (identity.each !== undefined)
    throw new ActionRefused(
      `Each record of the stream ${name} is a fact by its place in its log: what ${to} has of records that were loaded would be there ` +
        'twice, and nothing could tell. Declare a further stream for that topic.',
    )
  if (identity.by === 'log')
    throw new ActionRefused(
      `Versions of the stream ${name} are ordered by their log (by: 'log'): which of two is newer can't be told across ${to} and the ` +
        'topic before. Declare a further stream for that topic.',
    )
}

async function ownerOf(pool: Pool, stream: string, topic: string): Promise<string | undefined> {
  const [other] = await readAllProgress(pool, topic)
  return other === undefined || other.stream === stream
    ? undefined
    : `that of the stream ${other.stream} in this warehouse`
}

async function whyLost(
  kafka: Kafka,
  progress: Progress,
  { clusterId, bounds }: TopicsNow,
): Promise<string | undefined> {
  const { topic } = progress
  const log = boundsOf(progress, bounds)
  if (log === undefined)
    return bounds.has(topic) ? 'Kafka no longer has the partition' : 'Kafka no longer has the topic'
  const reader = await openLogReader(kafka, topic)
  try {
    return (await differs(reader, progress, { ...log, clusterId }))?.reason
  } finally {
    await reader.close()
  }
}

const boundsOf = ({ topic, partition }: Pick<Progress, 'topic' | 'partition'>, bounds: TopicsNow['bounds']) =>
  bounds.get(topic)?.find((one) => one.partition === partition)

const nameOf = ({ topic, partition }: Pick<Progress, 'topic' | 'partition'>) => `${topic}/${partition}`

/** Offsets that are not read, of one partition. */
export interface Unread {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** What of the topics that are left is not read, by these watermarks. */
export function unreadOf({ from, now, lost }: MoveNow, progress: readonly Progress[]): Unread[] {
  const known = progress
    .filter(({ topic }) => from.includes(topic))
    .map((one) => ({
      name: nameOf(one),
      from: one.nextOffset,
      // Of a log that is gone: as far as it was seen.
      to: lost.has(nameOf(one)) ? (one.logEnd ?? 0) : boundsOf(one, now.bounds)!.highWatermark,
    }))
  const never = from.flatMap((topic) =>
    (now.bounds.get(topic) ?? [])
      .filter((one) => !progress.some((row) => row.topic === topic && row.partition === one.partition))
      .map((one) => ({ name: `${topic}/${one.partition}`, from: one.start, to: one.highWatermark })),
  )
  return [...known, ...never].filter((one) => one.from < one.to)
}

const total = (unread: readonly Unread[]): number => unread.reduce((sum, { from, to }) => sum + to - from, 0)

/** What is left unread, and what of the topics before can't be read, in sentences. */
export function whatIsLeft(seen: MoveNow, unread: readonly Unread[]): string[] {
  return [
    ...unread.map(({ name, from, to }) => `${name}: ${offsets(from, to)} (${count(to - from, 'offset')})`),
    ...[...seen.lost].map(([name, why]) => `${name}: ${why}; what came after the last look is not counted`),
  ]
}

export interface MoveChoice {
  readonly reason: string
  /** So many offsets are left unread, as the operator has typed it. */
  readonly abandon?: number | undefined
}

/**
 * Lets a stream read another topic from then on: its partitions begin with their oldest record and get source numbers of their own, so
 * that nothing that was loaded changes; those of the topics before stand still for good. What is left unread there is on record as
 * a loss that the operator took note of.
 *
 * Why no record falls between the two: the watermarks of the stream are locked, in the order of their keys, and a load holds its own
 * for as long as it lasts. So a load is either before, and its watermark is the one that is judged here, or it comes after and finds
 * its partition stopped. The advisory lock keeps others from making watermarks meanwhile; who makes them takes it first, too.
 *
 * @param seen of `lookAtMove`: ends only grow, and a watermark that has moved since is read under its lock.
 * @throws ActionRefused
 */
export function moveTopic(
  pool: Pool,
  by: Operator,
  seen: MoveNow,
  { reason, abandon }: MoveChoice,
): Promise<Action> {
  const { stream, to, from, now } = seen
  return inTransaction(pool, async (client) => {
    await requireNoOtherReplay(client, stream)
    await lockSourceNumbers(client)
    const progress = await lockAllProgress(client, stream)
    const isOthers = (await readAllProgress(client, to)).some((one) => one.stream !== stream)
    const read = await topicsRead(client, stream)
    if (isOthers || read.filter((topic) => topic !== to).join() !== from.join())
      throw new ActionRefused(`The topics of ${stream} were changed meanwhile; nothing was done. Look again.`)
    const unread = unreadOf(seen, progress)
    requireRead(seen, unread, abandon)
    await giveUp(client, by, seen, unread, `${reason} (left when ${stream} was moved to ${to})`)
    for (const topic of from)
      await leaveTopic(client, topic, `the stream ${stream} reads ${to} in place of it`)
    await returnToTopic(client, to)
    for (const log of now.bounds.get(to)!)
      await firstWatermark(
        client,
        { stream, topic: to, partition: log.partition },
        { ...log, clusterId: now.clusterId },
      )
    const target = { from, to, abandoned: total(unread) }
    return commit(
      await recordAction(client, by, { action: 'move', stream, target, reason, status: 'succeeded' }),
    )
  })
}

/** @throws ActionRefused unless all is read, or the operator has said how much isn't. */
function requireRead(seen: MoveNow, unread: readonly Unread[], abandon: number | undefined): void {
  const { stream, to, from, lost } = seen
  const left = total(unread)
  const mustSay = left > 0 || lost.size > 0
  if (abandon === left || (!mustSay && abandon === undefined)) return
  const what = whatIsLeft(seen, unread).map((line) => `\n  ${line}`)
  throw new ActionRefused(
    `${count(left, 'offset')} of ${from.join(' and ')} ${left === 1 ? 'is' : 'are'} not read${what.length === 0 ? '.' : `:${what.join('')}`}\n` +
      (mustSay
        ? `Let the workers read to the end, once nobody sends there any more. To leave them unread for good: pulse streams move ${stream} --topic ${to} --abandon ${left} --reason …`
        : `Nothing is to be left unread: leave --abandon out.`),
  )
}

/** A partition that was never read gets a watermark, so that what is left of it stands in the books, too. */
async function giveUp(
  client: ClientBase,
  by: Operator,
  { stream, now }: MoveNow,
  unread: readonly Unread[],
  reason: string,
): Promise<void> {
  for (const { name, to } of unread) {
    const at = name.lastIndexOf('/')
    const id = { topic: name.slice(0, at), partition: Number(name.slice(at + 1)) }
    const log: PartitionEnd | undefined = boundsOf(id, now.bounds)
    if (log !== undefined)
      await firstWatermark(client, { stream, ...id }, { ...log, clusterId: now.clusterId })
    await abandonOffsets(client, id, to, { by: by.name, reason })
  }
}
