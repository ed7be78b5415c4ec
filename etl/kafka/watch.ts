import { unlessAborted } from '../process/aborted.ts'
import { messageOf } from '../text/message-of.ts'
import type { Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'
import type { Kafka } from './client.ts'
import { withAdmin } from './topics.ts'

/** How soon an outage is seen, at most, together with the patience; and what it costs: one connection. */
const LOOK_EVERY_MS = 5_000
/** A broker may hang with its port open. kafkajs waits half a minute for it, nobody else should. */
const PATIENCE_MS = 5_000

export interface KafkaWatch extends Repetition {
  /** Why Kafka does not answer, as last seen; undefined where it does. */
  problem(): string | undefined
}

/**
 * Asks Kafka every few seconds, on a connection of its own, so that whoever wants to know has the answer at
 * once, and however often they ask costs Kafka nothing.
 */
export function watchKafka(kafka: Kafka, logger: Logger): KafkaWatch {
  let problem: string | undefined
  const watch = repeatedly('asking Kafka', LOOK_EVERY_MS, logger, async (signal) => {
    const patience = setTimeout(() => {
      problem = `Kafka unreachable: no answer in ${PATIENCE_MS / 1_000} s`
      logger.warn(problem)
    }, PATIENCE_MS)
    try {
      await unlessAborted(
        withAdmin(kafka, (admin) => admin.describeCluster()),
        signal,
      )
      problem = undefined
    } catch (error) {
      problem ??= messageOf(error)
      throw error
    } finally {
      clearTimeout(patience)
    }
  })
  return { stop: () => watch.stop(), problem: () => problem }
}
