import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { docker } from './project.ts'

const caddyfile = new URL('../../deploy/caddy/Caddyfile', import.meta.url).pathname
const SAYS_PATH = `require('node:http').createServer((request, reply) => reply.end(request.url)).listen(8080)`

describe.skipIf(inject('withoutEngine') !== undefined)('the reverse proxy', () => {
  const name = `pulse-proxy-${randomBytes(4).toString('hex')}`
  const etl = `${name}-etl`
  beforeAll(async () => {
    await docker('network', 'create', '--internal', name)
    const inside = ['run', '--detach', '--rm', '--network', name]
    await docker(...inside, '--name', etl, '--network-alias', 'etl', 'node:24-slim', 'node', '-e', SAYS_PATH)
    const sites = ['--env', 'SITE_ADDRESS=http://site', '--env', 'CONSOLE_ADDRESS=http://console']
    const names = ['--network-alias', 'site', '--network-alias', 'console']
    const file = ['--volume', `${caddyfile}:/etc/caddy/Caddyfile:ro`]
    await docker(...inside, '--name', name, ...names, ...sites, ...file, 'caddy:2')
    await waitFor(
      'the console to be served',
      async () => (await ask('http://console/').catch(() => 'none yet')) === '200 /',
      { limitMs: 30_000 },
    )
  })
  afterAll(async () => {
    await docker('rm', '--force', '--volumes', name, etl)
    await docker('network', 'rm', name)
  })

  const ask = async (url: string) => {
    const request = `fetch('${url}').then(async (reply) => console.log(reply.status, await reply.text()))`
    return (await docker('exec', etl, 'node', '-e', request)).trim()
  }

  test('passes the console on', async () => {
    expect(await ask('http://console/dead-letters?code=x')).toBe('200 /dead-letters?code=x')
  })

  test.for(['/metrics', '/healthz', '/readyz', '/METRICS', '//metrics', '/%6detrics', '/metrics/'])(
    'keeps %s inside',
    async (path) => {
      expect(await ask(`http://console${path}`)).toBe('404')
    },
  )
})
