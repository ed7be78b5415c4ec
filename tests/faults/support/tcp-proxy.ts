import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setImmediate, setTimeout as delay } from 'node:timers/promises'

/**
 * A TCP proxy before a server of a test, for what networks do. Give a program its address in place of the
 * server's:
 *
 *     const proxy = await beforePostgres(world.env)
 *     onTestFinished(() => proxy.close())
 *     const etl = world.startEtl(proxy.env)
 *     proxy.turn({ to: 'half-open' })
 */
export interface TcpProxy {
  /** What to give a program so that it goes through here. */
  readonly env: Readonly<Record<string, string>>
  /** From now on, for connections that live and those to come. */
  turn(weather: Weather): void
  /** The connections that live pass nothing any more, and nobody learns of it; those to come are whole. */
  strand(): void
  /** A TCP reset of every connection that lives, to both sides. */
  reset(): void
  /**
   * Once: the first connection whose client has sent these words, one after the other, is reset when the
   * server has answered the last, and the answer is thrown away. Resolves when that has happened.
   */
  cutAfter(...words: readonly string[]): Promise<void>
  /** Connections accepted so far. */
  accepted(): number
  close(): Promise<void>
}

export type Weather =
  | { readonly to: 'pass' }
  /** Nothing passes and nothing is closed, as when a cable was pulled; what was sent comes later. */
  | { readonly to: 'half-open' }
  /** Each piece comes later by so many milliseconds, and the next waits for it. */
  | { readonly to: 'slow'; readonly ms: number }
  /** Pieces of so many bytes, each in a segment of its own. */
  | { readonly to: 'sliced'; readonly bytes: number }
  /** Whoever connects is reset; connections that live go on. */
  | { readonly to: 'refuse' }

type Env = Readonly<Record<string, string>>

export async function beforePostgres({ DATABASE_URL: url }: Env): Promise<TcpProxy> {
  const { hostname, port } = new URL(url!)
  return startProxy(
    { host: hostname, port: Number(port || 5432) },
    (own) => {
      const through = new URL(url!)
      through.port = String(own)
      return { DATABASE_URL: through.href }
    },
    () => (chunk) => chunk,
  )
}

/** Kafka tells its clients its own address; here the proxy's port stands in its place. */
export async function beforeKafka({ KAFKA_BROKERS: broker }: Env): Promise<TcpProxy> {
  const [, host, port] = /^(.+):(\d+)$/.exec(broker!)!
  const server = { host: host!, port: Number(port) }
  return startProxy(
    server,
    (own) => ({ KAFKA_BROKERS: `${host}:${own}` }),
    (own) => rewriteAnswers(addressIn(server), addressIn({ ...server, port: own })),
  )
}

interface Address {
  readonly host: string
  readonly port: number
}

/** What the server sends, as the client gets it. */
type Rewrite = (chunk: Buffer) => Buffer

interface Connection {
  readonly client: Socket
  readonly server: Socket
  stranded: boolean
}

async function startProxy(
  target: Address,
  envOf: (port: number) => Env,
  rewriteOf: (port: number) => Rewrite,
): Promise<TcpProxy> {
  const connections = new Set<Connection>()
  let weather: Weather = { to: 'pass' }
  let changed = Promise.withResolvers<void>()
  let cut: Cut | undefined
  let accepted = 0

  /** Resolves when bytes may pass. */
  const open = async (connection: Connection): Promise<void> => {
    while (connection.stranded || weather.to === 'half-open') await changed.promise
  }
  const end = (connection: Connection) => {
    connections.delete(connection)
    connection.client.resetAndDestroy()
    connection.server.resetAndDestroy()
  }

  async function forward(
    connection: Connection,
    from: Socket,
    to: Socket,
    rewrite: Rewrite,
    seen: (chunk: Buffer) => boolean,
  ): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        await open(connection)
        if (!seen(chunk)) return end(connection)
        for (const piece of pieces(rewrite(chunk), weather)) {
          if (weather.to === 'slow') await delay(weather.ms)
          if (weather.to === 'sliced') await setImmediate()
          await write(to, piece)
          await open(connection)
        }
      }
      await open(connection)
      to.end()
    } catch {
      await open(connection)
      end(connection)
    }
  }

  const listener = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    accepted += 1
    client.on('error', () => undefined) // told by the read that fails
    if (weather.to === 'refuse') {
      client.resetAndDestroy()
      return
    }
    const server = connect({ ...target, noDelay: true, allowHalfOpen: true })
    server.on('error', () => undefined)
    const connection = { client, server, stranded: false }
    connections.add(connection)
    const watch = watcher(() => cut)
    void Promise.all([
      forward(connection, client, server, (chunk) => chunk, watch.sent),
      forward(connection, server, client, rewriteOf(portOf()), watch.answered),
    ]).finally(() => connections.delete(connection))
  })
  const portOf = () => (listener.address() as AddressInfo).port
  listener.listen(0, target.host)
  await once(listener, 'listening')

  const proxy: TcpProxy = {
    env: envOf(portOf()),
    turn: (next) => {
      weather = next
      changed.resolve()
      changed = Promise.withResolvers()
    },
    strand: () => {
      for (const connection of connections) connection.stranded = true
    },
    reset: () => {
      for (const connection of connections) end(connection)
    },
    cutAfter: (...words) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      cut = {
        words,
        done: () => {
          cut = undefined
          resolve()
        },
      }
      return promise
    },
    accepted: () => accepted,
    close: async () => {
      listener.close()
      for (const connection of connections) {
        connection.stranded = false
        end(connection)
      }
      proxy.turn({ to: 'pass' }) // whatever still waits finds its connection gone
      await once(listener, 'close')
    },
  }
  return proxy
}

function pieces(chunk: Buffer, weather: Weather): Buffer[] {
  if (weather.to !== 'sliced') return chunk.length === 0 ? [] : [chunk]
  return Array.from({ length: Math.ceil(chunk.length / weather.bytes) }, (_, n) =>
    chunk.subarray(n * weather.bytes, (n + 1) * weather.bytes),
  )
}

function write(to: Socket, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(piece, (error) => (error ? reject(error) : resolve()))
  })
}

interface Cut {
  readonly words: readonly string[]
  readonly done: () => void
}

/** Follows the words of a cut through what one connection's client sends. */
function watcher(cut: () => Cut | undefined) {
  let following: Cut | undefined
  let found = 0
  let tail = ''
  return {
    sent: (chunk: Buffer): boolean => {
      const now = cut()
      if (now !== following) {
        following = now
        found = 0
      }
      if (now === undefined) return true
      tail += chunk.toString('latin1')
      for (const word of now.words.slice(found)) {
        const at = tail.indexOf(word)
        if (at === -1) break
        tail = tail.slice(at + word.length)
        found += 1
      }
      tail = tail.slice(-100) // a word may come in two pieces
      return true
    },
    /** False when this is the answer that must not arrive. */
    answered: (): boolean => {
      const now = cut()
      if (now === undefined || now !== following || found < now.words.length) return true
      now.done()
      return false
    },
  }
}

/** As Kafka's protocol has it at the end of a broker or coordinator: the host's text, and the port in four bytes. */
function addressIn({ host, port }: Address): Buffer {
  const bytes = Buffer.alloc(host.length + 4)
  bytes.write(host)
  bytes.writeInt32BE(port, host.length)
  return bytes
}

/** Kafka's answers, each whole, with one address in place of another of the same length. */
function rewriteAnswers(address: Buffer, instead: Buffer): Rewrite {
  let held = Buffer.alloc(0)
  return (chunk) => {
    held = Buffer.concat([held, chunk])
    let whole = 0
    // Each answer says its length in its first four bytes.
    while (held.length >= whole + 4 && held.length >= whole + 4 + held.readInt32BE(whole))
      whole += 4 + held.readInt32BE(whole)
    const answers = held.subarray(0, whole)
    held = held.subarray(whole)
    for (let at = answers.indexOf(address); at !== -1; at = answers.indexOf(address, at)) {
      instead.copy(answers, at)
    }
    return answers
  }
}
