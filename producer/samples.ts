import type { Row } from '../etl/stream/field.ts'
import type { Random } from './random.ts'

/**
 * Plausible records of a stream: each call of what it gives is the next one, at a time in milliseconds since the
 * epoch. The word of a field draws what is left out.
 */
export type Samples = (random: Random) => (time: number) => Row
