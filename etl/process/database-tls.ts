import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What a Postgres URL may say of TLS; pg's others differ from libpq's, or take any server for the right one. */
const SSL_MODES = ['disable', 'verify-full']
const TLS_FILES = ['sslrootcert', 'sslcert', 'sslkey']

/**
 * What is wrong with the part of a Postgres URL that is about TLS. Two modes are taken: none at all, and one
 * that checks the server's certificate and name. To pg, `require` means the latter today and no check at all
 * from its next version on, so it is not taken for either.
 */
export function databaseTlsProblem(databaseUrl: string): string | undefined {
  const { searchParams: given } = new URL(databaseUrl)
  const mode = given.get('sslmode')
  if (mode !== null && !SSL_MODES.includes(mode))
    return `has an sslmode that is neither verify-full (TLS, with the server's certificate and name checked) nor disable`
  for (const other of ['ssl', 'uselibpqcompat', 'sslnegotiation'])
    if (given.has(other))
      return `has the parameter ${other}: sslmode=verify-full or sslmode=disable says it all`
  for (const name of TLS_FILES) {
    const file = given.get(name)
    if (file === null) continue
    if (mode !== 'verify-full') return `has the parameter ${name}, which needs sslmode=verify-full beside it`
    const problem = fileProblem(name, file)
    if (problem !== undefined) return `has the parameter ${name}=${file}: ${problem}`
  }
  return undefined
}

const parseCertificate = (text: string) => new X509Certificate(text)

function fileProblem(name: string, file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8')
    const parse = name === 'sslkey' ? createPrivateKey : parseCertificate
    parse(text)
    return undefined
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    return /^E[A-Z]+$/.test(code) ? `${code} on reading it` : 'it holds no certificate or key in PEM'
  }
}
