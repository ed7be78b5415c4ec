import { pathToFileURL } from 'node:url'
import { runProgram } from '../../../etl/program.ts'
import { visits } from './visits.ts'

/** The ETL's main for visits; VISITS_MIGRATIONS is the folder that a test has written. */
const migrations = pathToFileURL(process.env['VISITS_MIGRATIONS']!)
process.exit(await runProgram({ streams: [visits], pages: [], migrations }))
