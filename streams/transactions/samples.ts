import { weighted, type Random, type Samples } from 'global-sales-pulse/streams'

interface Category {
  readonly name: string
  /** Share of the orders, in relation to the others. */
  readonly weight: number
  /** Half of the orders cost less. */
  readonly medianCents: number
  /** Standard deviation of the logarithm: how far prices scatter round the median. */
  readonly spread: number
  readonly minCents: number
  readonly maxCents: number
}

/**
 * What the shop sells. Prices are log-normal within their range, as baskets are: many small, few
 * large. Together about 2.5 % of the orders exceed 1000, so that the fraud rule has something to flag.
 */
export const CATEGORIES: readonly Category[] = [
  { name: 'groceries', weight: 26, medianCents: 32_00, spread: 0.6, minCents: 2_00, maxCents: 300_00 },
  { name: 'clothing', weight: 17, medianCents: 55_00, spread: 0.6, minCents: 8_00, maxCents: 600_00 },
  { name: 'electronics', weight: 14, medianCents: 300_00, spread: 1.1, minCents: 10_00, maxCents: 6_000_00 },
  { name: 'home', weight: 12, medianCents: 90_00, spread: 1, minCents: 6_00, maxCents: 2_500_00 },
  { name: 'books', weight: 10, medianCents: 18_00, spread: 0.5, minCents: 4_00, maxCents: 150_00 },
  { name: 'beauty', weight: 8, medianCents: 30_00, spread: 0.6, minCents: 3_00, maxCents: 250_00 },
  { name: 'sports', weight: 6, medianCents: 70_00, spread: 0.8, minCents: 5_00, maxCents: 1_500_00 },
  { name: 'toys', weight: 4, medianCents: 28_00, spread: 0.6, minCents: 4_00, maxCents: 400_00 },
  { name: 'jewellery', weight: 3, medianCents: 350_00, spread: 1, minCents: 20_00, maxCents: 9_000_00 },
]

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

const drawCategory = weighted(CATEGORIES, (category) => category.weight)
const drawCurrency = weighted(CURRENCIES, (currency) => currency.weight)

/**
 * The shop: each call is the next sale. The draws don't depend on the time, so a seed gives the same customers,
 * baskets and amounts on another day. What it leaves out, the words of the declaration draw.
 */
export const openShop: Samples = (random) => {
  const customers = Array.from({ length: CUSTOMER_COUNT }, (_, index) => ({
    id: `cust-${String(index + 1).padStart(5, '0')}`,
    currency: drawCurrency(random).code,
  }))
  return (time) => {
    // The square of a uniform draw: the customer of rank r buys in proportion to r^-1/2, a mild form
    // of Zipf's law. The best one makes 0.7 % of the orders, so no partition gets far more than others.
    const customer = customers[Math.floor(CUSTOMER_COUNT * random.unit() ** 2)]!
    const category = drawCategory(random)
    return {
      amount: drawAmount(category, random),
      currency: customer.currency,
      timestamp: time * 1_000,
      customer_id: customer.id,
      product_category: category.name,
    }
  }
}

/** Draws again what is out of range: cutting it off would pile up orders at the two ends. */
function drawAmount({ medianCents, spread, minCents, maxCents }: Category, random: Random): number {
  for (;;) {
    const cents = Math.round(medianCents * Math.exp(spread * random.normal()))
    if (cents >= minCents && cents <= maxCents) return cents
  }
}
