import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { ZodError } from 'zod'
import { isKafkaOutage } from '../kafka/errors.ts'
import type { Logger } from '../process/log.ts'
import { ActionRefused, NotFound } from '../operations/actions.ts'
import { remedyFor } from '../postgres/errors.ts'
import type { Server } from '../web/context.ts'
import { isApi, Refused } from '../web/guard.ts'
import { html } from './html.ts'
import { barePage } from './layout.ts'

interface Answer {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** Every error becomes a page or, for the API, a document; what is not meant for the outside is logged only. */
export function handleErrors(server: Server, logger: Logger): void {
  server.setNotFoundHandler((request, reply) =>
    answer(request, reply, { status: 404, code: 'not_found', message: 'There is no such page.' }),
  )
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const said = answerTo(error)
    if (error instanceof Refused)
      logger.warn(
        { status: said.status, path: request.routeOptions.url, ip: request.ip },
        'the console refused',
      )
    if (said.status >= 500)
      logger.error({ err: error, path: request.routeOptions.url }, 'the console failed to answer')
    return answer(request, reply, said)
  })
}

function answerTo(error: FastifyError): Answer {
  if (error instanceof ActionRefused) return { status: 409, code: 'refused', message: error.message }
  if (error instanceof NotFound) return { status: 404, code: 'not_found', message: error.message }
  if (error instanceof ZodError || hasZodFastifySchemaValidationErrors(error))
    return { status: 400, code: 'invalid', message: whatIsWrong(error) }
  const { statusCode: status = 500 } = error
  if (status < 500) return { status, code: error.code ?? 'refused', message: error.message }
  const remedy = remedyFor(error)
  if (remedy === 'reconnect' || remedy === 'wait')
    return {
      status: 503,
      code: 'warehouse_unreachable',
      message: 'The warehouse does not answer. This page works again when it does.',
    }
  if (remedy === 'smaller')
    return {
      status: 503,
      code: 'too_slow',
      message: 'That took too long. Ask for less: a shorter time, a narrower filter.',
    }
  if (isKafkaOutage(error) || error.name.startsWith('KafkaJS'))
    return { status: 503, code: 'kafka_unreachable', message: 'Kafka does not answer. Nothing was done.' }
  return { status: 500, code: 'failed', message: 'That failed, and the reason is in the log of this worker.' }
}

function whatIsWrong(error: unknown): string {
  const issues =
    error instanceof ZodError
      ? error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      : hasZodFastifySchemaValidationErrors(error)
        ? error.validation.map(
            ({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.')}: ${message ?? ''}`,
          )
        : []
  return issues.join('; ')
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, code, message }: Answer,
): FastifyReply {
  void reply.code(status)
  if (isApi(request)) return reply.send({ error: { code, message } })
  return reply.html(
    barePage(
      String(status),
      html`<p class="notice bad" role="alert">${message}</p>
        <p><a href="/">To the overview</a></p>`,
    ),
  )
}
