import { streams } from '../streams/index.ts'
import { pages } from '../streams/pages.ts'
import { runProgram } from './program.ts'

process.exit(await runProgram({ streams, pages }))
