import { z } from 'zod'
import { pageOf } from '../../../etl/web/fields.ts'
import type { Console, Server } from '../../../etl/web/context.ts'
import { showPage } from '../../../etl/console/answers.ts'
import { readCustomerTotals, readOfCustomer, type CustomerTotal, type FraudFact } from './read.ts'
import { count } from '../../../etl/text/wording.ts'
import { instant, money, moment, percent } from '../../../etl/console/format.ts'
import { html, type Html } from '../../../etl/console/html.ts'
import { choice, olderNewer } from '../../../etl/console/links.ts'
import { table } from '../../../etl/console/table.ts'
import { before, FACTS, factTable } from './flagged.ts'

/** One customer, with all that helps to judge. */
export function customerPage(server: Server, { pool }: Console): void {
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
      return showPage(request, reply, {
        title: `Customer ${id}`,
        menu: '/fraud',
        content: customerView({
          id,
          totals,
          ...pageOf(facts, FACTS, ({ cursor }) => cursor),
          paged: from !== undefined,
          flaggedOnly: flagged === 'only',
        }),
      })
    },
  )
}

interface Customer {
  readonly id: string
  readonly totals: readonly CustomerTotal[]
  readonly items: readonly FraudFact[]
  readonly next: string | null
  readonly paged: boolean
  readonly flaggedOnly: boolean
}

/** Enough to judge one customer: what they bought, how much of it is suspicious, and every transaction. */
function customerView({ id, totals, items, next, paged, flaggedOnly }: Customer): Html {
  const path = `/fraud/customers/${encodeURIComponent(id)}`
  const transactions = totals.reduce((sum, total) => sum + total.transactions, 0)
  const flagged = totals.reduce((sum, total) => sum + total.flagged, 0)
  return html`<p class="crumbs"><a href="/fraud">Fraud</a></p>
    <h1>Customer ${id}</h1>
    <p>
      ${count(transactions, 'transaction')}, ${count(flagged, 'flagged', 'flagged')}
      (${percent(flagged, transactions)}).
    </p>
    <section aria-labelledby="totals">
      <h2 id="totals">By currency</h2>
      ${table(
        totals,
        [
          { heading: 'Currency', of: ({ currency }) => currency },
          { heading: 'Transactions', right: true, of: (total) => total.transactions },
          { heading: 'Flagged', right: true, of: (total) => total.flagged },
          { heading: 'Share', right: true, of: (total) => percent(total.flagged, total.transactions) },
          { heading: 'Amount', right: true, of: ({ amount }) => money(amount) },
          { heading: 'Flagged amount', right: true, of: ({ flaggedAmount }) => money(flaggedAmount) },
          { heading: 'First', of: ({ firstAt }) => instant(firstAt) },
          { heading: 'Last', of: ({ lastAt }) => moment(lastAt) },
        ],
        {
          caption: 'Totals by currency',
          hideCaption: true,
          none: 'No transaction of this customer is in the warehouse.',
        },
      )}
    </section>
    <section aria-labelledby="transactions">
      <div class="heading">
        <h2 id="transactions">Transactions <span class="hint">newest first</span></h2>
        ${choice('Which transactions', [
          { name: 'All', href: path, chosen: !flaggedOnly },
          { name: 'Flagged', href: `${path}?flagged=only`, chosen: flaggedOnly },
        ])}
      </div>
      ${factTable(items, { caption: 'Transactions', none: 'None.', withCustomer: false })}
      ${olderNewer(path, { flagged: flaggedOnly ? 'only' : undefined }, paged, next)}
    </section>`
}
