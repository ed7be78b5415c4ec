import type { Pool } from 'pg'
import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'
import { configuredChannels } from './channels.ts'
import { deliverWaiting, giveUpOld } from './deliver.ts'
import { endAlertsOfRemoved, look } from './evaluate.ts'
import { RULES, alertPath } from './rules.ts'

/** How long something may be wrong unseen, at most; and what it costs: a look-up by index for each rule. */
const LOOK_EVERY_MS = 10_000
/** How long what was seen waits to be sent, at most. */
const DELIVER_EVERY_MS = 2_000

const ALL = { stream: '', topic: '' }

export interface WatchOptions {
  readonly pool: Pool
  readonly config: Config<'alerts' | 'console'>
  readonly logger: Logger
  /** All that are declared, also those that another worker runs. */
  readonly streams: readonly Watched[]
  /** Where a stream's pages are: `/streams/products`, or ''. */
  readonly pagesOf: (stream: string) => string
}

export interface Watched {
  readonly stream: string
  readonly topic: string
}

/**
 * Looks for what is wrong and tells it, until stopped. Each worker does; the warehouse sees to it that each
 * alert is opened once and each notification sent by one of them. Each channel has a loop of its own, so that
 * one that hangs delays neither the looks nor another channel. Without channels alerts are only written down.
 */
export function startAlerts({ pool, config, logger, streams, pagesOf }: WatchOptions): Repetition {
  const channels = configuredChannels(config)
  const lookout = { pool, logger, rules: RULES, channels: channels.map(({ name }) => name) }
  const linkOf = (rule: string, stream: string) => config.CONSOLE_URL + pagesOf(stream) + alertPath(rule)
  const delivery = { pool, logger, linkOf }
  const began = performance.now()
  let first = true
  const loops = [
    repeatedly('looking for alerts', LOOK_EVERY_MS, logger, async (signal) => {
      if (first) await endAlertsOfRemoved(lookout)
      first = false
      await giveUpOld(delivery)
      const context = {
        lateSeconds: config.ALERT_LATE_SECONDS,
        deadLetterRatio: config.ALERT_DEAD_LETTER_RATIO,
        watchedSeconds: (performance.now() - began) / 1_000,
      }
      for (const of of [...streams, ALL]) {
        const prefix = streams.length > 1 && of !== ALL ? `${of.stream}: ` : ''
        await look(lookout, { ...context, ...of, prefix }, signal)
      }
    }),
    ...channels.map((channel) =>
      repeatedly(`sending alerts by ${channel.name}`, DELIVER_EVERY_MS, logger, (signal) =>
        deliverWaiting(delivery, channel, signal),
      ),
    ),
  ]
  return { stop: async () => void (await Promise.all(loops.map((loop) => loop.stop()))) }
}
