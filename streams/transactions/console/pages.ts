import type { StreamPages } from '../../../etl/web/context.ts'
import { customerPage } from './customer.ts'
import { flaggedPage } from './flagged.ts'

/** What the fraud rules found, and in whose transactions. */
export const fraudPages: StreamPages = {
  stream: 'transactions',
  path: '/fraud',
  name: 'Fraud',
  key: 'f',
  routes: [flaggedPage, customerPage],
}
