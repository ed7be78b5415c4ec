import type { FraudFact } from './read.ts'
import { instant, money } from '../format.ts'
import { html, nothing, type Html } from '../html.ts'
import { badge } from '../icons.ts'
import { table, type Column } from '../table.ts'

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
