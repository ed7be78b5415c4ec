import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

export interface HttpReceiver {
  /** Without a slash at the end. */
  readonly url: string
  /** What came, oldest first. */
  readonly received: readonly Received[]
  /** What it answers from now on; `hang` is no answer at all. */
  answer(how: number | 'hang' | { readonly redirectTo: string }): void
}

/** A real HTTP server that keeps what is posted to it. Closed when the test ends. */
export async function anHttpReceiver(): Promise<HttpReceiver> {
  const received: Received[] = []
  let how: number | 'hang' | { readonly redirectTo: string } = 204
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await text(request)) as unknown
    received.push({ path: request.url!, headers: request.headers, body })
    if (how === 'hang') return
    if (typeof how === 'number') response.writeHead(how).end()
    else response.writeHead(307, { location: how.redirectTo }).end()
  }
  const server = createServer((request, response) => void handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, received, answer: (next) => (how = next) }
}
