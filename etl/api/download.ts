import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { deadLetterBytes } from '../dead-letters/letter.ts'
import { PROBLEMS } from './schemas.ts'
import type { Console, Server } from '../web/context.ts'
import { idInPath } from '../web/fields.ts'

/** For the description of the API; what is sent is never touched. */
const BYTES = {
  description: 'The bytes, as a file.',
  content: { 'application/octet-stream': { schema: z.file() } },
}

/** Bytes from outside, for a file: no browser is to show them, guess what they are, or run them. */
export function downloadRoutes(server: Server, { pool }: Console): void {
  for (const part of ['key', 'value'] as const) {
    server.get(
      `/dead-letters/:id/${part}`,
      {
        config: { access: 'view' },
        schema: {
          tags: ['Dead letters'],
          summary: `The bytes of its ${part}, as they are`,
          params: idInPath,
          response: { 200: BYTES, ...PROBLEMS },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const { bytes, pieces } = await deadLetterBytes(pool, id, part)
        return asFile(reply, `dead-letter-${id}-${part}.bin`)
          .header('content-length', bytes)
          .send(Readable.from(pieces, { objectMode: false }))
      },
    )
  }
}

function asFile(reply: FastifyReply, name: string): FastifyReply {
  return reply
    .type('application/octet-stream')
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-store')
}
