import { compile, theOnly } from '../../etl/stream/compile.ts'
import { streams } from '../../streams/index.ts'

/** The stream that this installation loads. */
export const stream = compile(theOnly(streams))
