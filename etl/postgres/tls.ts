import { tlsProblem } from '../process/tls.ts'

/** The warehouse, or TLS before it, turned this program away: waiting would not help. */
export class WarehouseRefused extends Error {
  override readonly name = 'WarehouseRefused'
}

/**
 * The error itself, or in place of one that is about TLS a sentence that says where to put it right.
 *
 * @param variable that holds the URL.
 */
export function explainedTls(error: unknown, variable = 'DATABASE_URL'): unknown {
  if (!(error instanceof Error)) return error
  const sentence = sentenceOf(error, variable)
  return sentence === undefined ? error : new WarehouseRefused(sentence, { cause: error })
}

function sentenceOf(error: Error, variable: string): string | undefined {
  const problem = tlsProblem(error, {
    ca: `a file that sslrootcert in ${variable} names`,
    address: `the host in ${variable}`,
    own: `sslcert and sslkey in ${variable}`,
  })
  if (problem !== undefined) return `no TLS connection to the warehouse's server: ${problem}`
  if (error.message === 'The server does not support SSL connections')
    return `${variable} wants TLS (sslmode=verify-full), and the server has none: turn ssl on there`
  // SQLSTATE 28000: pg_hba.conf has this login for hostssl only, or not at all.
  if ('code' in error && error.code === '28000' && error.message.endsWith('no encryption'))
    return `the server refuses ${variable} without TLS (${error.message}): add sslmode=verify-full, and sslrootcert=<file> for a CA of your own`
  return undefined
}
