import { uuidV7, weighted, type Random, type Row, type Story } from 'global-sales-pulse/streams'
import { customers } from '../customers/customers.ts'
import { products } from '../products/products.ts'
import { sales } from '../sales/sales.ts'
import { siteEvents } from '../site-events/site-events.ts'
import { transactions } from '../transactions/transactions.ts'
import type { Product } from './catalogue.ts'
import { laterVersion, openMembers } from './members.ts'
import { openMarket, transactionOf, type Customer, type Sale } from './sale.ts'

/** Of a hundred visitors as many put something in the cart, of those go to the checkout, and of those buy. */
export const FUNNEL = { cart: 50, checkout: 65, purchase: 77 } as const
/** Shares of what happens, 0 to 1. */
export const SEARCHES = 0.3
export const IS_KNOWN = 0.7
export const PAYMENT_FAILS = 0.04
export const IS_REFUNDED = 0.03
const CATALOGUE_CHANGES = 0.02
/** In sales: how much later a payment is settled, or the money given back, at most. */
const SETTLED_WITHIN = 20
const REFUNDED_WITHIN = 200

const drawPayment = weighted(
  [
    { method: 'card', weight: 60 },
    { method: 'paypal', weight: 25 },
    { method: 'bank_transfer', weight: 12 },
    { method: 'voucher', weight: 3 },
  ],
  ({ weight }) => weight,
)

/**
 * One shop, told sale by sale. First the catalogue; then visitors who look, some of whom buy: with a purchase a sale
 * is pending, its payment fails or is settled a few sales later, and some are refunded. A customer and a product are
 * told of before somebody buys. Each step ends with one transaction, which is what the producer counts.
 */
export const story: Story = {
  streams: [transactions, sales, siteEvents, products, customers].map(({ name }) => name),
  open: (random) => {
    const market = openMarket(random)
    const members = openMembers(random)
    /** Versions of sales that are due later, by the step. */
    const due = new Map<number, Row[]>()
    let step = 0

    return (time) => {
      const rows: (readonly [string, Row])[] = []
      const tell = (stream: { readonly name: string }, row: Row | undefined): void => {
        if (row !== undefined) rows.push([stream.name, row])
      }
      const catalogued = (product: Product): void => tell(products, productOf(product, time))

      if (step++ === 0) market.catalogue.products.forEach(catalogued)
      else if (random.chance(CATALOGUE_CHANGES)) catalogued(market.catalogue.change())
      for (const version of due.get(step) ?? []) tell(sales, { ...version, timestamp: time * 1_000 })
      due.delete(step)

      for (;;) {
        const sale = market.next()
        const isSold = visit(sale)
        if (!isSold) continue
        const first = saleOf(sale, random, time)
        tell(sales, first)
        if (random.chance(PAYMENT_FAILS)) {
          tell(sales, { ...first, version: 2, status: 'failed' })
          continue
        }
        const settled = step + random.between(1, SETTLED_WITHIN)
        later(settled, { ...first, version: 2, status: 'completed' })
        if (random.chance(IS_REFUNDED))
          later(settled + random.between(1, REFUNDED_WITHIN), { ...first, version: 3, status: 'refunded' })
        tell(customers, members.bought(sale.customer.id, time))
        tell(transactions, { order_id: first['transaction_id'], ...transactionOf(sale, time) })
        return rows
      }

      /** One session: who comes to the purchase is the buyer, of the sale's product. @returns whether it comes to it. */
      function visit({ customer, product }: Sale): boolean {
        const reaches = (of: keyof typeof FUNNEL): boolean => random.between(1, 100) <= FUNNEL[of]
        const comesTo = {
          cart: reaches('cart'),
          checkout: reaches('checkout'),
          purchase: reaches('purchase'),
        }
        const checksOut = comesTo.cart && comesTo.checkout
        // At the checkout everybody says who they are.
        const known: Customer | undefined = checksOut || random.chance(IS_KNOWN) ? customer : undefined
        if (known !== undefined) tell(customers, members.seen(known.id, time))

        const session = `s-${random.uint32().toString(36)}${random.uint32().toString(36)}`
        let micros = time * 1_000
        const event = (kind: string, of?: Product): void =>
          tell(siteEvents, {
            event_id: uuidV7(random, time),
            // One after the other, a microsecond apart.
            timestamp: micros++,
            kind,
            session_id: session,
            customer_id: known?.id ?? null,
            product_id: of?.id ?? null,
          })
        if (random.chance(SEARCHES)) event('search')
        for (let others = random.between(0, 2); others > 0; others--) event('view', market.catalogue.pick())
        event('view', product)
        if (comesTo.cart) event('cart', product)
        if (checksOut) event('checkout', product)
        if (checksOut && comesTo.purchase) event('purchase', product)
        return checksOut && comesTo.purchase
      }

      function later(at: number, row: Row): void {
        due.set(at, [...(due.get(at) ?? []), row])
      }
    }
  },
}

const productOf = (product: Product, time: number): Row => ({
  product_id: product.id,
  version: (product.version = laterVersion(product.version, time)),
  name: product.name,
  category: product.category.name,
  price: product.price,
  status: product.isActive ? 'active' : 'discontinued',
  timestamp: time * 1_000,
})

const saleOf = ({ customer, product, quantity, amount }: Sale, random: Random, time: number): Row => ({
  transaction_id: uuidV7(random, time),
  version: 1,
  customer_id: customer.id,
  product_id: product.id,
  quantity,
  unit_price: product.price,
  amount,
  currency: customer.currency,
  payment_method: drawPayment(random).method,
  status: 'pending',
  timestamp: time * 1_000,
})
