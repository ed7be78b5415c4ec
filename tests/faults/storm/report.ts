import type { Struck } from './faults.ts'
import { added, sum, type Survived } from './log-book.ts'
import type { Wave } from './strikes.ts'

/** How many of each kind. */
export const countBy = (struck: readonly Struck[]): Record<string, number> =>
  struck.reduce<Record<string, number>>((counts, { kind }) => added(counts, { [kind]: 1 }), {})

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

export function waveLine(done: number, kills: number, { struck, recoveredMs }: Wave): string {
  const kinds = Object.entries(countBy(struck)).map(([kind, count]) => {
    const short = kind.replace(/ \(.*/, '')
    return count === 1 ? short : `${count} × ${short}`
  })
  return `${String(done).padStart(5)}/${kills}  ${kinds.join(', ')}; loading again after ${seconds(recoveredMs)}`
}

export function summary(
  { seed, faults, inALoad, records, seconds: took }: Survived,
  kills: number,
  endedByThemselves: number,
): string {
  const total = sum(faults)
  return [
    '',
    `Survived ${total} of ${kills} faults in ${Math.floor(took / 60)} min ${took % 60} s (seed ${seed}); the books are right.`,
    ...(total < kills ? [`Start it again for the other ${kills - total}.`] : []),
    'Faults',
    ...lines(faults),
    `${String(inALoad).padStart(9)}  of them in the middle of a load`,
    'Records',
    ...lines(records),
    `Workers that ended by themselves and were started again: ${endedByThemselves}`,
  ].join('\n')
}

const lines = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts).map(([name, count]) => `${String(count).padStart(9)}  ${name}`)
