import { createTask, validateDetailed, type ScheduledTask } from 'node-cron'
import { ConfigError } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import type { DrainKind } from '../ledger/runs.ts'

export interface SchedulerOptions {
  /** Cron expression, with seconds. */
  readonly expression: string
  readonly run: (kind: DrainKind) => Promise<void>
  readonly logger: Logger
}

/** How much later than due a tick may be before the watchdog starts it. */
const GRACE_MS = 2_000
const MAX_TIMER_MS = 2 ** 31 - 1

/** @throws ConfigError */
export function checkSchedule(expression: string): void {
  const { valid, errors } = validateDetailed(expression)
  if (valid) return
  const problems = errors.map(({ field, message }) => `${field}: ${message}`).join('; ')
  throw new ConfigError(
    `Configuration:\n  ETL_SCHEDULE ${JSON.stringify(expression)} is not a cron expression: ${problems}`,
  )
}

/**
 * Starts runs by the clock or by hand, never two at once. What falls due while a run is under way is not
 * dropped: one run follows at once. A tick that the clock misses (a blocked process, a clock set back) is
 * started by a watchdog on the monotonic clock.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #task: ScheduledTask
  #current: Promise<void> | undefined
  #running = false
  #due: DrainKind | undefined
  #stopped = false
  #watchdog: NodeJS.Timeout | undefined
  #attemptedAt = performance.now()

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#task = createTask(options.expression, () => this.trigger('tick'), { suppressMissedWarning: true })
    this.#task.on('execution:missed', () => this.trigger('tick'))
  }

  start(): void {
    void this.#task.start()
    this.#armWatchdog()
  }

  /** Runs now, or right after the run that is under way. */
  trigger(kind: DrainKind): void {
    if (this.#stopped) return
    this.#due = kind
    this.#armWatchdog()
    if (!this.#running) this.#current = this.#work()
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    await this.#current
  }

  /** Starts no other run, and resolves when the one under way, if any, has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#due = undefined
    clearTimeout(this.#watchdog)
    await this.#task.destroy()
    await this.#current
  }

  /** Milliseconds since a run was last begun, by the monotonic clock. */
  get sinceAttempt(): number {
    return performance.now() - this.#attemptedAt
  }

  /** Milliseconds from one tick to the next, as the schedule stands now. */
  get interval(): number {
    const [first, second] = this.#task.getNextRuns(2)
    return first === undefined || second === undefined ? 0 : second.getTime() - first.getTime()
  }

  /** When the next tick is due. */
  get nextTick(): Date | undefined {
    return this.#task.getNextRuns(1)[0]
  }

  get isRunning(): boolean {
    return this.#running
  }

  /** Running until nothing is due, both looked at in one step: what falls due then starts anew. */
  async #work(): Promise<void> {
    this.#running = true
    for (let kind = this.#due; kind !== undefined; kind = this.#due) {
      this.#due = undefined
      this.#attemptedAt = performance.now()
      try {
        await this.#options.run(kind)
      } catch (error) {
        this.#options.logger.error({ err: error }, 'the run could not be made; the next tick tries again')
      }
    }
    this.#running = false
  }

  #armWatchdog(): void {
    clearTimeout(this.#watchdog)
    const next = this.#task.getNextRuns(1)[0]
    if (next === undefined) return
    const wait = Math.max(next.getTime() - Date.now(), 0) + GRACE_MS
    this.#watchdog = setTimeout(() => this.trigger('tick'), Math.min(wait, MAX_TIMER_MS))
  }
}
