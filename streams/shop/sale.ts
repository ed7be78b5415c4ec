import { weighted, type Random, type Samples } from 'global-sales-pulse/streams'
import { openCatalogue, type Catalogue, type Product } from './catalogue.ts'

/** All of about the same worth and divided into hundredths, so one price range does for every one. */
export const CURRENCIES = [
  { code: 'USD', weight: 42 },
  { code: 'EUR', weight: 31 },
  { code: 'GBP', weight: 13 },
  { code: 'CAD', weight: 6 },
  { code: 'AUD', weight: 5 },
  { code: 'CHF', weight: 3 },
] as const

export const CUSTOMER_COUNT = 20_000
/** Of what costs less than this some take several. */
const DEAR_CENTS = 50_00

const drawCurrency = weighted(CURRENCIES, (currency) => currency.weight)
const drawQuantity = weighted(
  [
    { quantity: 1, weight: 85 },
    { quantity: 2, weight: 10 },
    { quantity: 3, weight: 5 },
  ],
  ({ weight }) => weight,
)

export interface Customer {
  readonly id: string
  readonly currency: string
}

export interface Sale {
  readonly customer: Customer
  readonly product: Product
  readonly quantity: number
  /** In hundredths: the catalogue's price, so many times. */
  readonly amount: number
}

/** Who buys what: each call of `next` is the next sale. */
export interface Market {
  readonly catalogue: Catalogue
  /** Somebody who looks round. */
  visitor(this: void): Customer
  next(this: void): Sale
}

/** The draws don't depend on the time, so a seed gives the same customers, baskets and amounts on another day. */
export function openMarket(random: Random): Market {
  const customers = Array.from({ length: CUSTOMER_COUNT }, (_, index) => ({
    id: `cust-${String(index + 1).padStart(5, '0')}`,
    currency: drawCurrency(random).code,
  }))
  const catalogue = openCatalogue(random)
  // The square of a uniform draw: the customer of rank r buys in proportion to r^-1/2, a mild form
  // of Zipf's law. The best one makes 0.7 % of the orders, so no partition gets far more than others.
  const visitor = () => customers[Math.floor(CUSTOMER_COUNT * random.unit() ** 2)]!
  return {
    catalogue,
    visitor,
    next: () => {
      const customer = visitor()
      const product = catalogue.pick()
      const quantity = product.price < DEAR_CENTS ? drawQuantity(random).quantity : 1
      const fits = product.price * quantity <= product.category.maxCents
      return {
        customer,
        product,
        quantity: fits ? quantity : 1,
        amount: product.price * (fits ? quantity : 1),
      }
    },
  }
}

/** What a transaction says of a sale; its id is drawn by the word. */
export const transactionOf = ({ customer, product, amount }: Sale, time: number) => ({
  amount,
  currency: customer.currency,
  timestamp: time * 1_000,
  customer_id: customer.id,
  product_category: product.category.name,
})

/** Sales alone, without what leads to them. */
export const onlySales: Samples = (random) => {
  const market = openMarket(random)
  return (time) => transactionOf(market.next(), time)
}
