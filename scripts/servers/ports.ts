import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * A port that nobody listens on now, from below the ranges that systems hand out to outgoing connections
 * (32768 on Linux, 49152 elsewhere). One from inside (what listening on port 0 gives) can be taken by any
 * outgoing connection while a killed server is away; and a client that keeps on trying to reach an absent
 * server there will once get it as its own source port and be connected to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(20_000, 32_000)
    if (await isFree(port)) return port
  }
  throw new Error('No free port from 20000 to 32000 on 127.0.0.1')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
