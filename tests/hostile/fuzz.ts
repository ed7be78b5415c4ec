/* oxlint-disable no-console -- a program */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startServers } from '../../scripts/servers/index.ts'
import { judgedStreams, subjectOf } from './contract.ts'
import { report } from './report.ts'
import { fuzz } from './run.ts'

const HELP = `Usage: npm run fuzz

Sends hostile records to an ETL process of its own, on a Kafka and a Postgres of their own, and holds what
became of each, byte for byte, against an oracle that shares nothing with the ETL: values that somebody has
tripped over, valid messages changed in places, facts that come again, older and newer versions, bombs and broken
record batches. At the end all that the warehouse holds is held against it: facts or versions, current rows, sums.
The process must live, take at most 256 MB above its idle size, and the books must balance. Linux only.

  FUZZ_STREAM   whose records, of ${judgedStreams.join(', ')} (the first)
  FUZZ_RECORDS  how many (1000000)
  FUZZ_SEED     a whole number to 4294967295; the same stream, seed and FUZZ_RECORDS send the same records (random)
  FUZZ_MINUTES  begin nothing new after so many (no limit)

Exit codes: 0 every record became what it should, 1 not, 2 usage.`

class UsageError extends Error {}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
  if (values.help === true) {
    console.log(HELP)
    return 0
  }
  const records = wholeNumber('FUZZ_RECORDS', 1, 1_000_000_000) ?? 1_000_000
  const seed = wholeNumber('FUZZ_SEED', 0, 4_294_967_295) ?? randomInt(4_294_967_296)
  const minutes = wholeNumber('FUZZ_MINUTES', 1, 10_080)
  const stream = await chosenStream()
  const replay = `FUZZ_STREAM=${stream} FUZZ_SEED=${seed} FUZZ_RECORDS=${records} npm run fuzz`
  console.log(`Again with: ${replay}`)
  const servers = await startServers()
  try {
    const result = await fuzz(servers, {
      stream,
      seed,
      records,
      ...(minutes !== undefined && { limitMs: minutes * 60_000 }),
      say: console.log,
    })
    console.log(`\n${report(result)}`)
    if (result.failures.length === 0) return 0
    console.log(`Again with: ${replay}`)
    return 1
  } finally {
    await servers.stop()
  }
}

async function chosenStream(): Promise<string> {
  const { FUZZ_STREAM } = process.env
  try {
    return (await subjectOf(FUZZ_STREAM === '' ? undefined : FUZZ_STREAM)).name
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(`FUZZ_STREAM: ${error.message}`) : error
  }
}

function wholeNumber(name: string, min: number, max: number): number | undefined {
  const text = process.env[name]
  if (text === undefined || text === '') return undefined
  if (/^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
  throw new UsageError(`${name} is ${JSON.stringify(text)}; it must be a whole number from ${min} to ${max}`)
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  const isUsage = error instanceof UsageError || (error instanceof TypeError && 'code' in error)
  process.exitCode = isUsage ? 2 : 1
}
