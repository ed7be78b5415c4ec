import fastify, { type FastifyInstance } from 'fastify'

/** What the outside may ask about this worker's state; each answer names what is wrong, if anything. */
export interface Health {
  /** Undefined while ticks are attempted on time. */
  late(): string | undefined
  /** Undefined while Kafka and the warehouse answer and the group gave us our share. */
  notReady(): Promise<string | undefined>
}

/**
 * The worker's HTTP server: /healthz for the supervisor (restart me), /readyz for whoever waits for it.
 *
 * @param port 0 takes any free one.
 * @throws Error that names HTTP_PORT where it can't be had.
 */
export async function startServer(health: Health, port: number): Promise<FastifyInstance> {
  const server = fastify({ logger: false, forceCloseConnections: true })
  server.get('/healthz', (_request, reply) => {
    const problem = health.late()
    return reply.code(problem === undefined ? 200 : 503).send(verdict(problem))
  })
  server.get('/readyz', async (_request, reply) => {
    const problem = await health.notReady()
    return reply.code(problem === undefined ? 200 : 503).send(verdict(problem))
  })
  await server.listen({ port, host: '0.0.0.0' }).catch((error: unknown) => {
    throw new Error(`HTTP_PORT ${port} can't be opened: ${(error as Error).message}`, { cause: error })
  })
  return server
}

const verdict = (problem: string | undefined) =>
  problem === undefined ? { status: 'ok' } : { status: 'failing', problem }
