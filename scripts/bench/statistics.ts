/** @throws RangeError of no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values have no median')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** An interval for the median of what the values are drawn from. */
export interface MedianInterval {
  readonly low: number
  readonly high: number
  /** The ends are the values of this rank from below and from above, from 1. */
  readonly rank: number
  /** How often such an interval holds the median, 0 to 1; exact, and at least what was asked for. */
  readonly level: number
}

/**
 * The sign test's interval, from order statistics: the median is outside only where fewer than `rank` values
 * fell to one side of it, and each falls to either side with probability 1/2 whatever their distribution. It
 * takes independent values of one continuous distribution, and nothing of its shape: a pair during which the
 * machine was busy elsewhere counts as one pair, however far it is off.
 *
 * @returns the narrowest one of at least this level.
 * @throws RangeError where there are too few values for any.
 */
export function medianInterval(values: readonly number[], atLeast: number): MedianInterval {
  const sorted = [...values].sort((a, b) => a - b)
  let found: MedianInterval | undefined
  for (let rank = 1; rank <= sorted.length / 2; rank++) {
    const level = levelOf(sorted.length, rank)
    if (level < atLeast) break
    found = { low: sorted[rank - 1]!, high: sorted.at(-rank)!, rank, level }
  }
  if (found === undefined)
    throw new RangeError(`${values.length} values are too few for an interval of ${atLeast}`)
  return found
}

/** 1 - 2 P(X < rank) of the binomial distribution of n halves. n up to 1,000: 2^-n must not vanish. */
function levelOf(n: number, rank: number): number {
  let probability = 2 ** -n
  let below = 0
  for (let k = 0; k < rank; k++) {
    below += probability
    probability *= (n - k) / (k + 1)
  }
  return 1 - 2 * below
}
