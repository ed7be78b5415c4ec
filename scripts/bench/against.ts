import { withBacklog } from './backlog.ts'
import type { Checkout } from './checkout.ts'
import { measureDrain, type Bench, type Measured } from './measure.ts'
import type { AgainstOptions } from './options.ts'
import { SCENARIOS } from './scenarios.ts'

/** The same backlog, drained by both right after each other. */
export interface Pair {
  readonly first: 'this' | 'that'
  readonly this: Measured
  readonly that: Measured
}

/**
 * Drains one backlog by two checkouts in turn: this that, that this, and so on, so that neither has always the
 * place after the other, nor the better hour. Each first once without being counted: caches are cold then.
 */
export function measurePairs(
  bench: Bench,
  checkouts: { readonly this: Checkout; readonly that: Checkout },
  options: AgainstOptions,
): Promise<Pair[]> {
  const of = { ...options, scenario: SCENARIOS[options.scenario] }
  return withBacklog(bench.servers, of, async (backlog) => {
    const drain = (side: 'this' | 'that') =>
      measureDrain(bench, checkouts[side], { backlog, batchSize: options.batchSize })
    process.stderr.write('draining it once by each, not counted\n')
    await drain('this')
    await drain('that')
    const pairs: Pair[] = []
    for (let n = 1; n <= options.pairs; n++) {
      const first = n % 2 === 1 ? 'this' : 'that'
      const second = first === 'this' ? 'that' : 'this'
      const drains = { [first]: await drain(first), [second]: await drain(second) }
      const pair = { first, this: drains['this']!, that: drains['that']! } as const
      process.stderr.write(`pair ${n} of ${options.pairs}: ${(pair.this.rate / pair.that.rate).toFixed(3)}\n`)
      pairs.push(pair)
    }
    return pairs
  })
}
