import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The settings that a sentence about TLS points to. */
export interface TlsSettings {
  /** Where the certificate of the server's CA belongs. */
  readonly ca: string
  /** Where the server's name comes from, which its certificate must have. */
  readonly address: string
  /** Where our own certificate belongs, if the server wants one. */
  readonly own: string
}

const untrusted = ({ ca }: TlsSettings) =>
  `its certificate is not signed by a CA that is trusted here: put its CA's certificate into ${ca}`

/** By the code of Node's or OpenSSL's error. */
const PROBLEMS: Readonly<Record<string, (settings: TlsSettings) => string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  INVALID_CA: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: ({ address }) =>
    `its certificate is for another name: connect by a name that it has (${address}), or give the server one with this name`,
  CERT_HAS_EXPIRED: () => 'its certificate has expired: renew it on the server',
  CERT_NOT_YET_VALID: () => 'its certificate is not valid yet: compare the clocks of both machines',
}

/** The server's alert about the client's certificate, or about there being none. */
const REFUSED_OURS =
  /ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA|HANDSHAKE_FAILURE)/

/**
 * What is wrong with a TLS connection and where to put it right; undefined where TLS is not what failed. Waiting
 * does not mend it.
 */
export function tlsProblem(error: Error, settings: TlsSettings): string | undefined {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) return undefined
  if (REFUSED_OURS.test(code)) return `it wants a certificate of ours that it knows: see ${settings.own}`
  return PROBLEMS[code]?.(settings)
}

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
