import { partOf, streams } from './installation.ts'
import { runProgram } from './program.ts'

process.exit(await runProgram({ streams, pages: await partOf('pages', []) }))
