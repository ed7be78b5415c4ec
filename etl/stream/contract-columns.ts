import type { Transaction } from './types.ts'
import { hundredths, texts } from '../postgres/binary-arrays.ts'

/**
 * How facts store what a message says: a column for each field but the two that are a fact's key. Insert,
 * duplicates, replay and reconcile all go by this list, and the compiler wants an entry for each field.
 */

/** What two records of one order must agree in, besides its time. */
export type ContractValues = Omit<Transaction, 'orderId' | 'timestampMicros'>

interface ContractColumn<Field extends keyof ContractValues> {
  readonly field: Field
  /** The column's name, which is the message's too. */
  readonly name: string
  /** Reads it of facts named t, in the units of a transaction. */
  readonly read: string
  /** Of the elements of `toArray`. */
  readonly type: 'numeric' | 'text'
  readonly toArray: (rows: readonly ContractValues[]) => Buffer
}

type FieldsOf<Value> = {
  [Field in keyof ContractValues]: ContractValues[Field] extends Value ? Field : never
}[keyof ContractValues]

const money = <Field extends FieldsOf<number>>(field: Field, name: string): ContractColumn<Field> => ({
  field,
  name,
  read: `(t.${name} * 100)::bigint`,
  type: 'numeric',
  toArray: (rows) => hundredths(rows.map((row) => row[field])),
})

const text = <Field extends FieldsOf<string>>(field: Field, name: string): ContractColumn<Field> => ({
  field,
  name,
  read: `t.${name}`,
  type: 'text',
  toArray: (rows) => texts(rows.map((row) => row[field])),
})

const BY_FIELD: { readonly [Field in keyof ContractValues]: ContractColumn<Field> } = {
  amountCents: money('amountCents', 'amount'),
  currency: text('currency', 'currency'),
  customerId: text('customerId', 'customer_id'),
  productCategory: text('productCategory', 'product_category'),
}

export const CONTRACT_COLUMNS = Object.values(BY_FIELD)

/** `t.amount, t.currency, …` */
export const contractNames = (table: string): string =>
  CONTRACT_COLUMNS.map(({ name }) => `${table}.${name}`).join(', ')

/** `amount, currency, …`: to insert into, and for the columns of contractArrays. */
export const CONTRACT_NAMES = CONTRACT_COLUMNS.map(({ name }) => name).join(', ')

/** To select of facts named t: a row has the fields of ContractValues. */
export const READ_CONTRACT = CONTRACT_COLUMNS.map(({ read, field }) => `${read} as "${field}"`).join(', ')

/** `$12::numeric[], $13::text[], …`: what unnest takes, where contractValues are the parameters from this one on. */
export const contractArrays = (first: number): string =>
  CONTRACT_COLUMNS.map(({ type }, i) => `$${first + i}::${type}[]`).join(', ')

/** The parameters of contractArrays. */
export const contractValues = (rows: readonly ContractValues[]): Buffer[] =>
  CONTRACT_COLUMNS.map(({ toArray }) => toArray(rows))
