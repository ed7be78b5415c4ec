import { connect } from 'node:net'

/**
 * Whether a broker takes requests and knows of a broker that is let in (itself, in a single node). Asked in
 * Kafka's own protocol by hand, Metadata version 1: a listening port alone opens earlier, and the client
 * library belongs to etl/kafka/ alone.
 */
export function kafkaAnswers(hostAndPort: string, limitMs = 2_000): Promise<boolean> {
  const at = hostAndPort.lastIndexOf(':')
  const host = hostAndPort.slice(0, at).replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(hostAndPort.slice(at + 1)) })
    let response = Buffer.alloc(0)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(limitMs, () => settle(false))
    socket.on('error', () => settle(false))
    socket.on('close', () => settle(false))
    socket.on('connect', () => socket.write(METADATA_REQUEST))
    socket.on('data', (chunk: Buffer) => {
      response = Buffer.concat([response, chunk])
      // Size, correlation id, then the number of brokers.
      if (response.length >= 12) settle(response.readInt32BE(8) > 0)
    })
  })
}

const METADATA_REQUEST = Buffer.from(
  [
    [0, 0, 0, 14], // size
    [0, 3, 0, 1], // Metadata, version 1
    [0, 0, 0, 1], // correlation id
    [255, 255], // no client id
    [0, 0, 0, 0], // of no topics
  ].flat(),
)
