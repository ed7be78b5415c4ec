import {
  lookAtMove,
  moveTopic,
  unreadOf,
  whatIsLeft,
  type MoveNow,
} from '../../../etl/partitions/move-topic.ts'
import { readAllProgress } from '../../../etl/ledger/watermark.ts'
import { topicVariable } from '../../../etl/stream/installed.ts'
import { count } from '../../../etl/text/wording.ts'
import { UsageError } from '../errors.ts'
import { confirm, requireReason, thisOperator, type ConsentOptions } from '../operator.ts'
import { print } from '../output.ts'
import { inSession, namedStream, nameStream, type Session } from '../session.ts'

export interface MoveOptions extends ConsentOptions {
  readonly topic: string
  readonly reason: string
  readonly abandon?: number
}

/** Lets a stream read another topic, after saying what of the one before is not read. */
export async function moveStream(name: string, { topic: to, abandon, by, yes, ...options }: MoveOptions) {
  const reason = requireReason(options.reason)
  const other = namedStream()
  if (other !== undefined && name !== other)
    throw new UsageError(`name one stream: ${name}, or --stream ${other}`)
  nameStream(name)
  await inSession(async (session) => {
    const { pool, kafka, definition } = session
    const seen = await lookAtMove(pool, kafka, definition, to, takenTopics(session))
    const progress = (await Promise.all(seen.from.map((topic) => readAllProgress(pool, topic)))).flat()
    const unread = unreadOf(seen, progress)
    const left = unread.reduce((sum, one) => sum + one.to - one.from, 0)
    // What it would be refused for is said before anybody is asked.
    if (abandon !== undefined || (left === 0 && seen.lost.size === 0))
      await confirm(consequences(seen, left), to, yes)
    const action = await moveTopic(pool, thisOperator(by), seen, { reason, abandon })
    print(
      [
        `${name} reads ${to} from now on, from the oldest record that it holds; ${seen.from.join(' and ')} is left. Action ${action.id}.`,
        ...whatIsLeft(seen, unread).map((line) => `Left unread: ${line}`),
        ...whatIsNext(session, to),
      ].join('\n'),
    )
  })
}

function consequences({ stream, to, from }: MoveNow, left: number): string {
  const before = from.join(' and ')
  return (
    `The stream ${stream} reads ${to} in place of ${before}, ` +
    (left === 0 ? `of which all was read.` : `of which ${count(left, 'offset')} will never be read.`) +
    `\nWhat producers still send to ${before} is not read: let all of them send to ${to} first.`
  )
}

/** The workers go by their settings: until these say the same, nothing is loaded. */
function whatIsNext({ config, stream, installed }: Session, to: string): string[] {
  if (config.KAFKA_TOPIC === to)
    return ['The workers that have this setting go on at their next run: pulse status --watch']
  const variable = topicVariable(stream, installed[0]!.definition.name === stream)
  return [
    `Now set ${variable}=${to}, or topic.name in its declaration, make the topic of its dead letters (npm run topics), and start the workers anew.`,
    'Until then they load nothing of it, and say so.',
  ]
}

/** Topics that are another's by the settings, or of dead letters. */
function takenTopics({ installed, stream }: Session): Map<string, string> {
  return new Map(
    installed.flatMap(({ definition: { name }, config }) => [
      [config.KAFKA_DLQ_TOPIC, `that of the dead letters of ${name}`],
      ...(name === stream
        ? []
        : [[config.KAFKA_TOPIC, `that of the stream ${name} by the settings`] as const]),
    ]),
  )
}
