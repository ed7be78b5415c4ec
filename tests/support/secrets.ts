import { readdirSync, readFileSync } from 'node:fs'

/** Something in a secret that each notation writes differently. */
export const aSecret = (name: string): string => `sEcReT+${name}/ü@&"4711:x`

/** The secret as it stands and as URLs, JSON, HTML and base64 have it. */
function notations(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const url = new URL('postgres://user@host')
  url.password = secret
  return [
    url.password,
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll('&', '&amp;').replaceAll('"', '&quot;'),
    bytes.toString('hex'),
    ...[0, 1, 2].flatMap((offset) => inBase64(bytes, offset)),
  ]
}

/** In the middle of other bytes: what is before and behind it decides on the characters at both ends. */
function inBase64(bytes: Buffer, offset: number): string[] {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const inner = whole.slice(offset === 0 ? 0 : offset + 1, -1)
  return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
}

/** `where: notation` for each secret that stands in a text, however it is written; none, if all is well. */
export function secretsIn(where: string, text: string, secrets: readonly string[]): string[] {
  return secrets
    .flatMap(notations)
    .filter((notation) => text.includes(notation))
    .map((notation) => {
      const at = text.indexOf(notation)
      return `${where}: ${text.slice(Math.max(0, at - 200), at + notation.length + 200)}`
    })
}

/** What anybody on this machine sees of the processes that run; Linux only, elsewhere nothing. */
export function processList(): string {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => commandLine(pid))
      .join('\n')
  } catch {
    return ''
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return '' // it has ended
  }
}
