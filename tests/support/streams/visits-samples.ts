import type { Samples } from '../../../etl/stream/samples.ts'

/** Each visit is another session's: sampled texts would soon come twice. */
export const browse: Samples = (random) => () => ({
  session: `session ${random.uint32()}-${random.uint32()}`,
})
