import type { ChannelFactory } from '../channel.ts'
import { post } from './post.ts'

/** A JSON document for programs; its fields are a promise: docs/OPERATIONS.md. */
export const webhook: ChannelFactory = ({ ALERT_WEBHOOK_URL: address }) =>
  address === undefined
    ? undefined
    : {
        name: 'webhook',
        send: (
          { event, id, rule, scope, severity, summary, firstAction, startedAt, endedAt, link },
          signal,
        ) =>
          post(
            address,
            {
              event,
              id,
              rule,
              scope,
              severity,
              summary,
              first_action: firstAction,
              started_at: startedAt,
              ended_at: endedAt,
              link,
            },
            signal,
          ),
      }
