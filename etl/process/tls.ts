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
