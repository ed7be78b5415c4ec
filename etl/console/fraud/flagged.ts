import { MOST_FLAGGED, type FraudFact, type ReasonCounts } from './read.ts'
import { thousands } from '../../text/wording.ts'
import { ago, percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import { choice, olderNewer } from '../links.ts'
import { table } from '../table.ts'
import { factTable } from './facts.ts'

export interface Flagged {
  readonly span: '24h' | '7d'
  readonly counts: ReasonCounts
  readonly facts: readonly FraudFact[]
  readonly more: boolean
  readonly paged: boolean
}

const SPANS = { '24h': 'last 24 hours', '7d': 'last 7 days' }

export function flaggedView({ span, counts, facts, more, paged }: Flagged): Html {
  const last = facts.at(-1)
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
      ${factTable(facts, { caption: 'Flagged transactions', none: 'No transaction is flagged.', withCustomer: true })}
      ${olderNewer('/fraud', { span }, paged, more && last !== undefined ? { before: last.cursor } : undefined)}
    </section>`
}
