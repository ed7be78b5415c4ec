import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Server } from '../web/context.ts'

const own = (name: string) => fileURLToPath(new URL(`assets/${name}`, import.meta.url))
const library = (name: string) => fileURLToPath(import.meta.resolve(name))

/** Everything that a page may load; read once, nothing is looked up on the disk for a request. */
const FILES: readonly (readonly [path: string, type: string, file: string])[] = [
  ['console.css', 'text/css', own('console.css')],
  ['parts.css', 'text/css', own('parts.css')],
  ['console.js', 'text/javascript', own('console.js')],
  ['live.js', 'text/javascript', own('live.js')],
  ['keyboard.js', 'text/javascript', own('keyboard.js')],
  ['times.js', 'text/javascript', own('times.js')],
  ['copy.js', 'text/javascript', own('copy.js')],
  ['charts.js', 'text/javascript', own('charts.js')],
  ['icon.svg', 'image/svg+xml', own('icon.svg')],
  ['uplot.css', 'text/css', library('uplot/dist/uPlot.min.css')],
  ['uplot.js', 'text/javascript', library('uplot/dist/uPlot.esm.js')],
  ['idiomorph.js', 'text/javascript', library('idiomorph/dist/idiomorph.esm.js')],
]

export function assets(server: Server): void {
  for (const [path, type, file] of FILES) {
    const content = readFileSync(file)
    const tag = `"${createHash('sha256').update(content).digest('base64url')}"`
    server.get(`/assets/${path}`, { config: { access: 'public' } }, (request, reply) => {
      void reply.header('etag', tag).header('cache-control', 'no-cache')
      if (request.headers['if-none-match'] === tag) return reply.code(304).send()
      return reply.type(`${type}; charset=utf-8`).send(content)
    })
  }
}
