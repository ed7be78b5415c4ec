import type { FastifyReply } from 'fastify'
import type { Action } from '../operations/actions.ts'

/** A worker does it in the background: how far it is stands where Location says. */
export function accepted(reply: Pick<FastifyReply, 'header'>, action: Action): Action {
  void reply.header('location', `/api/v1/actions/${action.id}`)
  return action
}
