import type { Logger } from './log.ts'

/** A terminal and npm may both pass on one Ctrl-C: what comes within this time is the same wish. */
const SAME_WISH_MS = 1_000
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Aborted by the first SIGTERM or SIGINT: stop new work and finish what is in hand. Another one more
 * than a second later ends the process at once.
 *
 * @param meanwhile what still happens, for the log.
 */
export function stopSignal(logger: Logger, meanwhile: string): AbortSignal {
  const controller = new AbortController()
  let first: number | undefined
  const onSignal = (name: keyof typeof EXIT_CODES): void => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      logger.info({ signal: name }, `stopping: ${meanwhile}`)
      controller.abort()
    } else if (now - first > SAME_WISH_MS) {
      logger.warn({ signal: name }, 'ended at once')
      process.exit(EXIT_CODES[name])
    }
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return controller.signal
}
