import type { Pool, PoolClient } from 'pg'

/** Of one statement of the load: from handing it to the driver until its answer is there. */
export interface StatementTime {
  readonly name: string
  readonly calls: number
  readonly totalMs: number
}

type Query = (...args: unknown[]) => unknown

/** Times every statement on a pool's connections, by its name or else its first words. */
export class StatementTimes {
  readonly #times = new Map<string, { calls: number; totalMs: number }>()
  readonly #watched = new WeakSet<PoolClient>()

  /** Also connections that the pool has already: they are watched when they are taken next. */
  watch(pool: Pool): void {
    pool.on('acquire', (client) => {
      if (this.#watched.has(client)) return
      this.#watched.add(client)
      client.query = this.#timed(client.query.bind(client)) as typeof client.query
    })
  }

  /** The dearest first. */
  all(): StatementTime[] {
    return [...this.#times].map(([name, time]) => ({ name, ...time })).sort((a, b) => b.totalMs - a.totalMs)
  }

  #timed(query: Query): Query {
    return (...args) => {
      const started = performance.now()
      const done = () => this.#add(statementName(args[0]), performance.now() - started)
      const callback = args.at(-1)
      if (typeof callback === 'function')
        return query(...args.slice(0, -1), calledAfter(done, callback as Query))
      const answer = query(...args)
      return answer instanceof Promise ? answer.finally(done) : answer
    }
  }

  #add(name: string, ms: number): void {
    const time = this.#times.get(name) ?? { calls: 0, totalMs: 0 }
    this.#times.set(name, { calls: time.calls + 1, totalMs: time.totalMs + ms })
  }
}

/** `pool.query` hands its connection a callback. */
const calledAfter =
  (done: () => void, callback: Query): Query =>
  (...results) => {
    done()
    return callback(...results)
  }

const NAME_LENGTH = 60

/** By the name that it is prepared under, else by how its text begins. */
function statementName(statement: unknown): string {
  const { name, text = '' } = (typeof statement === 'string' ? { text: statement } : statement) as {
    name?: string
    text?: string
  }
  return name ?? text.trim().replaceAll(/\s+/g, ' ').slice(0, NAME_LENGTH)
}
