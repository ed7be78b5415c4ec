import { compile } from '../../etl/stream/compile.ts'
import { streams } from '../../streams/index.ts'

/** The first stream of this installation: that of the tests of the engine. */
export const stream = compile(streams[0]!)
