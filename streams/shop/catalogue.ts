import { weighted, type Random } from 'global-sales-pulse/streams'

interface Category {
  readonly name: string
  /** Share of the orders, in relation to the others. */
  readonly weight: number
  /** Half of the products cost less. */
  readonly medianCents: number
  /** Standard deviation of the logarithm: how far prices scatter round the median. */
  readonly spread: number
  readonly minCents: number
  readonly maxCents: number
  /** What its products are called. */
  readonly things: readonly string[]
}

/**
 * What the shop sells. Prices are log-normal within their range: many small, few large. Together about 2.5 % of the
 * orders exceed 1000, so that the fraud rule has something to flag.
 */
export const CATEGORIES: readonly Category[] = [
  {
    name: 'groceries',
    weight: 26,
    medianCents: 32_00,
    spread: 0.6,
    minCents: 2_00,
    maxCents: 300_00,
    things: ['coffee', 'olive oil', 'tea', 'pasta', 'spices'],
  },
  {
    name: 'clothing',
    weight: 17,
    medianCents: 55_00,
    spread: 0.6,
    minCents: 8_00,
    maxCents: 600_00,
    things: ['shirt', 'coat', 'jeans', 'dress', 'scarf'],
  },
  {
    name: 'electronics',
    weight: 14,
    medianCents: 300_00,
    spread: 1.1,
    minCents: 10_00,
    maxCents: 6_000_00,
    things: ['laptop', 'headphones', 'camera', 'phone', 'screen'],
  },
  {
    name: 'home',
    weight: 12,
    medianCents: 90_00,
    spread: 1,
    minCents: 6_00,
    maxCents: 2_500_00,
    things: ['lamp', 'chair', 'rug', 'pan', 'table'],
  },
  {
    name: 'books',
    weight: 10,
    medianCents: 18_00,
    spread: 0.5,
    minCents: 4_00,
    maxCents: 150_00,
    things: ['novel', 'atlas', 'cookbook', 'biography', 'comic'],
  },
  {
    name: 'beauty',
    weight: 8,
    medianCents: 30_00,
    spread: 0.6,
    minCents: 3_00,
    maxCents: 250_00,
    things: ['soap', 'cream', 'perfume', 'brush', 'oil'],
  },
  {
    name: 'sports',
    weight: 6,
    medianCents: 70_00,
    spread: 0.8,
    minCents: 5_00,
    maxCents: 1_500_00,
    things: ['ball', 'racket', 'tent', 'shoes', 'skis'],
  },
  {
    name: 'toys',
    weight: 4,
    medianCents: 28_00,
    spread: 0.6,
    minCents: 4_00,
    maxCents: 400_00,
    things: ['train', 'doll', 'kite', 'puzzle', 'blocks'],
  },
  {
    name: 'jewellery',
    weight: 3,
    medianCents: 350_00,
    spread: 1,
    minCents: 20_00,
    maxCents: 9_000_00,
    things: ['ring', 'watch', 'necklace', 'bracelet', 'brooch'],
  },
]

const COLOURS = ['red', 'blue', 'green', 'white', 'black', 'grey', 'golden', 'plain']
export const PRODUCTS_EACH = 100
/** As many are out of the shop at most; then the first of them comes back. */
const MOST_DISCONTINUED = 30
/** A change of price is at most this part of it, up or down. */
const MOST_CHANGE = 0.1

/** What a product is now. */
export interface Product {
  readonly id: string
  readonly name: string
  readonly category: Category
  /** In hundredths of whatever currency the customer pays in: all are of about the same worth. */
  price: number
  isActive: boolean
  /** The last one that was told of; 0 before the first. */
  version: number
}

export interface Catalogue {
  readonly products: readonly Product[]
  /** One that is in the shop. */
  pick(this: void): Product
  /** Another price, or out of the shop, or back. @returns the product that has changed. */
  change(this: void): Product
}

const drawCategory = weighted(CATEGORIES, (category) => category.weight)

export function openCatalogue(random: Random): Catalogue {
  const byCategory = new Map(CATEGORIES.map((category) => [category, productsOf(category, random)]))
  const products = [...byCategory.values()].flat()
  const discontinued: Product[] = []

  const pick = (): Product => {
    const of = byCategory.get(drawCategory(random))!
    for (;;) {
      const product = random.pick(of)
      if (product.isActive) return product
    }
  }
  return {
    products,
    pick,
    change: () => {
      const product = pick()
      if (random.chance(0.8)) {
        const { minCents, maxCents } = product.category
        const price = Math.round(product.price * (1 + MOST_CHANGE * (2 * random.unit() - 1)))
        if (price >= minCents && price <= maxCents) product.price = price
        return product
      }
      if (discontinued.length < MOST_DISCONTINUED) {
        product.isActive = false
        discontinued.push(product)
        return product
      }
      const back = discontinued.shift()!
      back.isActive = true
      return back
    },
  }
}

/** Prices at even steps of their distribution, so that the shop of each seed has as many dear ones. */
function productsOf(category: Category, random: Random): Product[] {
  return Array.from({ length: PRODUCTS_EACH }, (_, index) => {
    const number = String(index + 1).padStart(3, '0')
    return {
      id: `${category.name}-${number}`,
      name: `${random.pick(COLOURS)} ${random.pick(category.things)} ${number}`,
      category,
      price: priceAt((index + random.unit()) / PRODUCTS_EACH, category, random),
      isActive: true,
      version: 0,
    }
  })
}

/** Draws again what is out of range: cutting it off would pile up prices at the two ends. */
function priceAt(share: number, category: Category, random: Random): number {
  const { medianCents, spread, minCents, maxCents } = category
  const cents = Math.round(medianCents * Math.exp(spread * normalQuantile(share)))
  return cents >= minCents && cents <= maxCents ? cents : priceAt(random.unit(), category, random)
}

/** Tukey's lambda approximation of the normal distribution's quantiles, good to a hundredth. */
const normalQuantile = (p: number): number => 4.91 * (p ** 0.14 - (1 - p) ** 0.14)
