import { median, medianInterval, type MedianInterval } from './statistics.ts'

/** A slowdown up to this share is not held against a version: the machine's own noise is as large. */
const TOLERATED_SLOWDOWN = 0.03
const LEVEL = 0.95

/** A ratio of two versions over pairs of runs. */
export interface Comparison {
  readonly median: number
  readonly interval: MedianInterval
}

/** @param ratios of each pair: this to that. */
export function compare(ratios: readonly number[]): Comparison {
  return { median: median(ratios), interval: medianInterval(ratios, LEVEL) }
}

export interface Verdict {
  readonly isSlower: boolean
  readonly words: string
}

/**
 * Slower is what is shown to be slower: by every ratio that the interval holds, and by more than is tolerated.
 *
 * @param speed this to that, in rows a second: below 1 this one is slower.
 */
export function judge({ interval: { low, high } }: Comparison): Verdict {
  const bound = 1 - TOLERATED_SLOWDOWN
  const tolerated = percent(TOLERATED_SLOWDOWN)
  if (high < bound)
    return {
      isSlower: true,
      words: `slower: the whole interval is below ${bound}, a slowdown of more than ${tolerated}`,
    }
  const words = `no slower: a slowdown of more than ${tolerated} is not shown, as the interval reaches ${bound} or more`
  if (low >= bound) return { isSlower: false, words }
  return {
    isSlower: false,
    words: `${words};\none of up to ${percent(1 - low)} is not excluded either: more pairs or more records would tell`,
  }
}

const percent = (share: number): string =>
  `${(share * 100).toFixed(share < 0.1 ? 1 : 0).replace(/\.0$/, '')} %`
