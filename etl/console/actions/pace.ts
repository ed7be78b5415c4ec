import type { Action } from '../../operations/actions.ts'

interface Look {
  readonly at: number
  readonly done: number
}

/** How far back the pace looks, milliseconds. */
const WINDOW_MS = 30_000
/** Actions that somebody looked at last; more would be somebody's script. */
const MAX_ACTIONS = 100

/**
 * How fast an action is right now, by what was seen of it at earlier looks: from the time of the request
 * it could not be told, as an action may have waited, been stopped or been paused meanwhile.
 */
export class Pace {
  readonly #looks = new Map<number, Look[]>()

  /** @returns records a second; undefined at the first look, or where nothing moved since. */
  look({ id, done }: Pick<Action, 'id' | 'done'>, now: number): number | undefined {
    const looks = [...(this.#looks.get(id) ?? []), { at: now, done }].filter(
      ({ at }) => now - at <= WINDOW_MS,
    )
    this.#looks.delete(id)
    this.#looks.set(id, looks)
    if (this.#looks.size > MAX_ACTIONS) this.#looks.delete(this.#looks.keys().next().value!)
    const [first] = looks
    if (first === undefined || first.at === now || first.done >= done) return undefined
    return (done - first.done) / ((now - first.at) / 1_000)
  }
}
