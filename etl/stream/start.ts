import type { Definition } from './definition.ts'
import { parseRfc3339 } from './rfc3339.ts'

/** A time in UTC to the second or finer, as RFC 3339 writes it: `2026-01-01T00:00:00Z`. */
export type Moment = `${number}-${number}-${number}T${number}:${number}:${number}Z`

/**
 * Where a stream begins in a topic of which it has never consumed anything: with the oldest record that the log holds, behind
 * the newest, or with the first that Kafka stored at this time or later.
 */
export type Start = 'beginning' | 'end' | Moment

/** What of a declared start is a time: milliseconds since 1970; undefined of the others. */
export function momentOf(start: string): number | undefined {
  const micros = start.endsWith('Z') ? parseRfc3339(start) : undefined
  return micros === undefined ? undefined : Math.floor(micros / 1_000)
}

export function startProblems({ start, identity }: Definition): string[] {
  if (start === undefined || start === 'beginning') return []
  const isStart = typeof start === 'string' && (start === 'end' || momentOf(start) !== undefined)
  if (!isStart)
    return [
      `start is ${JSON.stringify(start)}; it must be beginning, end or a time in UTC such as 2026-01-01T00:00:00Z`,
    ]
  return identity?.latest === undefined
    ? []
    : [
        `start is ${start}; it must be beginning, or keys that have not changed since would be missing, as if there were none`,
      ]
}
