/** Gives the turn back. */
export type EndTurn = () => void

interface Waiting {
  readonly stream: string
  readonly urgency: () => number
  readonly grant: () => void
}

/**
 * Shares out the turns of a worker among its streams: who has one extracts a batch and loads it, with a connection to
 * the warehouse and `BATCH_BYTES` of memory; so turns bound both, whatever the number of streams.
 *
 * Each stream has a turn of its own, which no other can take: a stream with a backlog, or one whose batches take
 * long, never keeps another from working. The others go to whoever needs them most.
 */
export class Dispatcher {
  readonly #taken = new Map<string, number>()
  readonly #queue: Waiting[] = []
  /** Beside one for each stream. */
  readonly #shared: number

  /**
   * @param turns how many in all; one for each stream there is at least.
   * @param streams by name.
   */
  constructor(turns: number, streams: readonly string[]) {
    this.#shared = Math.max(0, turns - streams.length)
    for (const stream of streams) this.#taken.set(stream, 0)
  }

  /**
   * Resolves when it is this stream's turn.
   *
   * @param urgency asked when a shared turn falls free: the greatest gets it, as lag by the length of the schedule.
   */
  async turn(stream: string, urgency: () => number): Promise<EndTurn> {
    if (this.#mayTake(stream)) this.#take(stream)
    else await new Promise<void>((grant) => this.#queue.push({ stream, urgency, grant }))
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#taken.set(stream, this.#taken.get(stream)! - 1)
      this.#next()
    }
  }

  #mayTake(stream: string): boolean {
    if (this.#taken.get(stream) === 0) return true
    const shared = [...this.#taken.values()].reduce((sum, taken) => sum + Math.max(0, taken - 1), 0)
    return shared < this.#shared
  }

  #take(stream: string): void {
    this.#taken.set(stream, this.#taken.get(stream)! + 1)
  }

  #next(): void {
    const able = this.#queue.filter(({ stream }) => this.#mayTake(stream))
    if (able.length === 0) return
    // Of one stream the first that asked; a stream without any turn comes before all.
    const rank = ({ stream, urgency }: Waiting) => (this.#taken.get(stream) === 0 ? Infinity : urgency())
    const first = able.reduce((best, one) => (rank(one) > rank(best) ? one : best))
    this.#queue.splice(this.#queue.indexOf(first), 1)
    this.#take(first.stream)
    first.grant()
  }
}
