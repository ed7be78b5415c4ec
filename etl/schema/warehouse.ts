import {
  boolean,
  check,
  index,
  integer,
  numeric,
  pgSchema,
  primaryKey,
  smallint,
  sql,
  text,
  uuid,
} from '../postgres/drizzle.ts'
import { count, identity, instant, keyText, offsetColumn } from './columns.ts'

/**
 * What is sold. drizzle-kit writes migrations/ from these tables and those of audit.ts; what drizzle can't
 * say (partitioning, roles, grants, functions, views) is written by hand in those files.
 */

export const warehouse = pgSchema('warehouse')

/**
 * Claims an order for the whole warehouse: a unique key over `transactions` would have to contain its
 * partition column.
 */
export const orderKeys = warehouse.table('order_keys', {
  orderId: uuid('order_id').primaryKey(),
  transactionTimestamp: instant('transaction_timestamp').notNull(),
})

/** The facts. Partitioned by month (in the migration). */
export const transactions = warehouse.table(
  'transactions',
  {
    id: identity(),
    transactionTimestamp: instant('transaction_timestamp').notNull(),
    processedAt: instant('processed_at').notNull().defaultNow(),
    orderId: uuid('order_id').notNull(),
    sourceOffset: offsetColumn('source_offset').notNull(),
    sourcePartition: integer('source_partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    isFraudFlagged: boolean('is_fraud_flagged').notNull(),
    fraudScore: smallint('fraud_score').notNull(),
    amount: numeric('amount', { precision: 12, scale: 2 }).notNull(),
    taxAmount: numeric('tax_amount', { precision: 12, scale: 2 }).notNull(),
    totalAmount: numeric('total_amount', { precision: 14, scale: 2 }).notNull(),
    currency: keyText('currency', { length: 3 }).notNull(),
    customerId: keyText('customer_id', { length: 50 }).notNull(),
    productCategory: keyText('product_category', { length: 50 }).notNull(),
    batchId: text('batch_id').notNull(),
    fraudReasons: text('fraud_reasons').array().notNull(),
  },
  (table) => [
    primaryKey({ name: 'transactions_pkey', columns: [table.transactionTimestamp, table.orderId] }),
    index('transactions_customer').on(table.customerId),
    index('transactions_flagged')
      .on(table.transactionTimestamp)
      .where(sql`is_fraud_flagged`),
    check('transactions_amount_positive', sql`amount > 0`),
    check('transactions_fraud_score', sql`fraud_score between 0 and 100`),
  ],
)

/**
 * Sales by minute, kept in the load transaction. The partition is part of the key, so that workers on
 * different partitions never wait for each other's rows.
 */
export const salesByMinute = warehouse.table(
  'sales_by_minute',
  {
    minute: instant('minute').notNull(),
    sourcePartition: integer('source_partition').notNull(),
    currency: keyText('currency', { length: 3 }).notNull(),
    productCategory: keyText('product_category', { length: 50 }).notNull(),
    transactions: count('transactions'),
    flagged: count('flagged'),
    /** Sums have no precision: an overflow would blame an innocent record. */
    amount: numeric('amount').notNull().default('0'),
    taxAmount: numeric('tax_amount').notNull().default('0'),
    flaggedAmount: numeric('flagged_amount').notNull().default('0'),
  },
  (table) => [
    primaryKey({
      name: 'sales_by_minute_pkey',
      columns: [table.minute, table.sourcePartition, table.currency, table.productCategory],
    }),
  ],
)
