import { transactions } from './transactions/transactions.ts'

/** The record types that this installation loads: a line for each. */
export const streams = [transactions]
