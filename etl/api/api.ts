import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { Console, Server } from '../web/context.ts'
import { actionApi, replayApi } from './actions.ts'
import { alertApi } from './alerts.ts'
import { deadLetterApi, downloadRoutes, redriveApi } from './dead-letters.ts'
import { jobApi } from './job.ts'
import { partitionApi } from './partitions.ts'

/** What the console does, as JSON for programs; the fields are those of `pulse --json`. */
export async function api(server: Server, console: Console): Promise<void> {
  await describeApi(server)
  // Public: it tells what is in the source, and a program must be able to read it before it has a token.
  server.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, () =>
    server.swagger(),
  )
  apiRoutes(server, console)
}

/** The routes of a stream; those of others than the first are the same under `streams/<name>`. */
export function apiRoutes(server: Server, console: Console): void {
  for (const routes of [
    jobApi,
    deadLetterApi,
    downloadRoutes,
    redriveApi,
    actionApi,
    partitionApi,
    replayApi,
    alertApi,
  ])
    routes(server, console)
}

/** Describes the routes that are registered after it, from the very schemas that check them. */
async function describeApi(server: Server): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Global Sales Pulse',
        version: '1',
        description:
          'What the console does, for programs. Send the token of CONSOLE_API_TOKEN; a browser’s session works too and needs its CSRF token in x-csrf-token. Times are ISO 8601 in UTC. These are the routes of the first stream; those of each are the same under /api/v1/streams/<name>. What takes long is accepted (202) and done by a worker: Location names the action to look at.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'CONSOLE_API_TOKEN' },
        },
      },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: answersByName,
  })
}

/** The named schemas are answers; the library would describe each as an input as well. */
const answersByName: SwaggerTransformObject = (document) => {
  const described = jsonSchemaTransformObject(document)
  const schemas = 'components' in described ? described.components?.schemas : undefined
  for (const name of Object.keys(schemas ?? {})) if (name.endsWith('Input')) delete schemas![name]
  return described
}
