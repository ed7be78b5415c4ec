import { streams } from '../streams/index.ts'
import { runProgram } from './program.ts'

process.exit(await runProgram(streams))
