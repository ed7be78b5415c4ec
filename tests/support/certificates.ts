import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names of PEM files. */
export interface Certified {
  readonly cert: string
  readonly key: string
}

/** A certificate authority of the test's own. */
export interface Authority {
  /** Name of its certificate's file. */
  readonly ca: string
  /** @param altNames as OpenSSL writes them: `IP:127.0.0.1`. */
  issue(commonName: string, altNames: string): Certified
}

const DAYS = '2'
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/**
 * Made by OpenSSL at the time of the test: none is in the repository, and none outlives it by much.
 *
 * @param directory gets its folder, and is removed by whoever made it.
 */
export function anAuthority(directory: string): Authority {
  const serial = randomBytes(4).toString('hex')
  const folder = join(directory, `ca-${serial}`)
  mkdirSync(folder)
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const self = ['-x509', '-days', DAYS, '-subj', `/CN=Authority ${serial}`]
  openssl('req', ...NEW_KEY, ...self, '-keyout', 'ca.key', '-out', 'ca.pem')
  return {
    ca: file('ca.pem'),
    issue: (commonName, altNames) => {
      const of = (extension: string) => `${commonName}.${extension}`
      writeFileSync(file(of('ext')), `subjectAltName=${altNames}\n`)
      openssl('req', ...NEW_KEY, '-subj', `/CN=${commonName}`, '-keyout', of('key'), '-out', of('csr'))
      const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', DAYS]
      openssl('x509', '-req', '-in', of('csr'), ...signer, '-extfile', of('ext'), '-out', of('pem'))
      return { cert: file(of('pem')), key: file(of('key')) }
    },
  }
}
