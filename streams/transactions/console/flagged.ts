import { z } from 'zod'
import { pageOf } from '../../../etl/web/fields.ts'
import type { Console, Server } from '../../../etl/web/context.ts'
import { showPage } from '../../../etl/console/answers.ts'
import { countReasons, CURSOR, MOST_FLAGGED, readFlagged, type FraudFact, type ReasonCounts } from './read.ts'
import { thousands } from '../../../etl/text/wording.ts'
import { ago, percent, instant, money } from '../../../etl/console/format.ts'
import { html, nothing, type Html } from '../../../etl/console/html.ts'
import { choice, olderNewer } from '../../../etl/console/links.ts'
import { table, type Column } from '../../../etl/console/table.ts'
import { badge } from '../../../etl/console/icons.ts'

/** Where a page begins: a fact's cursor. */
export const before = z.string().regex(CURSOR, 'is not where a page begins').optional()
/** On a page. */
export const FACTS = 50
const HOURS = { '24h': 24, '7d': 24 * 7 }
const Query = z.object({
  span: z.enum(['24h', '7d']).default('24h'),
  customer: z.string().max(200).optional(),
  before,
})

/** What each rule found, and the transactions that are flagged. */
export function flaggedPage(server: Server, { pool }: Console): void {
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
      return showPage(request, reply, {
        title: 'Fraud',
        menu: '/fraud',
        content: flaggedView({
          span,
          counts,
          ...pageOf(facts, FACTS, ({ cursor }) => cursor),
          paged: request.query.before !== undefined,
        }),
      })
    },
  )
}

interface Flagged {
  readonly span: '24h' | '7d'
  readonly counts: ReasonCounts
  readonly items: readonly FraudFact[]
  readonly next: string | null
  readonly paged: boolean
}

const SPANS = { '24h': 'last 24 hours', '7d': 'last 7 days' }

function flaggedView({ span, counts, items, next, paged }: Flagged): Html {
  return html`<h1>Fraud</h1>
    <form class="filter" method="get" action="/fraud">
      <label>Customer <input name="customer" required maxlength="200" autocomplete="off" /></label>
      <button>Look into</button>
    </form>
    <section aria-labelledby="reasons">
      <div class="heading">
        <h2 id="reasons">
          Reasons
          <span class="hint"
            >${counts.flagged === MOST_FLAGGED ? `the newest ${thousands(MOST_FLAGGED)}` : thousands(counts.flagged)}
            flagged in the ${SPANS[span]}</span
          >
        </h2>
        ${choice('Time of the counts', [
          { name: '24 h', href: '/fraud', chosen: span === '24h' },
          { name: '7 d', href: '/fraud?span=7d', chosen: span === '7d' },
        ])}
      </div>
      ${table(
        counts.reasons,
        [
          { heading: 'Reason', of: ({ reason }) => reason },
          { heading: 'Transactions', right: true, of: ({ count }) => count },
          { heading: 'Share of flagged', right: true, of: ({ count }) => percent(count, counts.flagged) },
          { heading: 'Last', of: ({ lastAt }) => ago(lastAt) },
        ],
        {
          caption: 'How often each rule found something',
          hideCaption: true,
          none: `Nothing was flagged in the ${SPANS[span]}.`,
        },
      )}
    </section>
    <section aria-labelledby="flagged">
      <h2 id="flagged">Flagged transactions <span class="hint">newest first</span></h2>
      ${factTable(items, { caption: 'Flagged transactions', none: 'No transaction is flagged.', withCustomer: true })}
      ${olderNewer('/fraud', { span }, paged, next)}
    </section>`
}

const ORDER: Column<FraudFact> = { heading: 'Order', of: ({ orderId }) => html`<code>${orderId}</code>` }
const CUSTOMER: Column<FraudFact> = {
  heading: 'Customer',
  of: ({ customerId }) =>
    html`<a href="/fraud/customers/${encodeURIComponent(customerId)}">${customerId}</a>`,
}
const OTHERS: readonly Column<FraudFact>[] = [
  { heading: 'Time', of: ({ at }) => instant(at) },
  {
    heading: 'Score',
    right: true,
    of: ({ flagged, score }) => (flagged ? badge('warn', 'warning', String(score)) : String(score)),
  },
  {
    heading: 'Reasons',
    wide: true,
    of: ({ reasons }) => (reasons.length === 0 ? nothing : reasons.join(', ')),
  },
  { heading: 'Amount', right: true, of: ({ amount, currency }) => html`${money(amount)} ${currency}` },
  { heading: 'With tax', right: true, of: ({ totalAmount }) => money(totalAmount) },
  { heading: 'Category', of: ({ productCategory }) => productCategory },
]

export function factTable(
  facts: readonly FraudFact[],
  { caption, none, withCustomer }: { caption: string; none: string; withCustomer: boolean },
): Html {
  const columns = [...(withCustomer ? [CUSTOMER] : []), ...OTHERS, ORDER]
  return table(facts, columns, { caption, hideCaption: true, none })
}
