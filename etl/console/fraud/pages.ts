import { z } from 'zod'
import { countReasons, CURSOR, readCustomerTotals, readFlagged, readOfCustomer } from './read.ts'
import type { Console, Server } from '../../web/context.ts'
import { page } from '../layout.ts'
import { customerView } from './customer.ts'
import { flaggedView } from './flagged.ts'

const before = z.string().regex(CURSOR, 'is not where a page begins').optional()
const Query = z.object({
  span: z.enum(['24h', '7d']).default('24h'),
  customer: z.string().max(200).optional(),
  before,
})
const HOURS = { '24h': 24, '7d': 24 * 7 }
const FACTS = 50

export function fraudPages(server: Server, { pool }: Console): void {
  server.get(
    '/fraud',
    { config: { access: 'view' }, schema: { querystring: Query } },
    async (request, reply) => {
      const { span, customer } = request.query
      // One customer has a page, with all that helps to judge.
      if (customer !== undefined && customer !== '')
        return reply.redirect(`/fraud/customers/${encodeURIComponent(customer)}`, 303)
      const [counts, facts] = await Promise.all([
        countReasons(pool, HOURS[span]),
        readFlagged(pool, { limit: FACTS + 1, before: request.query.before }),
      ])
      return reply.html(
        page({
          title: 'Fraud',
          menu: '/fraud',
          visitor: request.visitor!,
          content: flaggedView({
            span,
            counts,
            facts: facts.slice(0, FACTS),
            more: facts.length > FACTS,
            paged: request.query.before !== undefined,
          }),
        }),
      )
    },
  )

  server.get(
    '/fraud/customers/:id',
    {
      config: { access: 'view' },
      schema: {
        params: z.object({ id: z.string().min(1).max(200) }),
        querystring: z.object({ flagged: z.literal('only').optional(), before }),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { flagged, before: from } = request.query
      const [totals, facts] = await Promise.all([
        readCustomerTotals(pool, id),
        readOfCustomer(pool, id, { limit: FACTS + 1, before: from, flaggedOnly: flagged === 'only' }),
      ])
      return reply.html(
        page({
          title: `Customer ${id}`,
          menu: '/fraud',
          visitor: request.visitor!,
          content: customerView({
            id,
            totals,
            facts: facts.slice(0, FACTS),
            more: facts.length > FACTS,
            paged: from !== undefined,
            flaggedOnly: flagged === 'only',
          }),
        }),
      )
    },
  )
}
