import { randomInt } from 'node:crypto'
import { createRandom, type Random } from '../../../producer/random.ts'

/** New in each run of a file, and printed. */
const seed = Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 32))
process.stderr.write(`FAULTS_SEED=${seed}\n`)

/**
 * Chance for a test. FAULTS_SEED has a run a second time, as far as processes and networks let themselves be
 * repeated.
 *
 * @param test its number in its file, so that it draws the same whichever others run.
 */
export function seeded(test = 0): Random {
  return createRandom((seed + test) >>> 0)
}
