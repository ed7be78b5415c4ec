import type { ClientBase, Pool, QueryResult, QueryResultRow } from 'pg'
import type { Query, SQL } from 'drizzle-orm'
import type {
  PgColumn,
  PgDatabase as Database,
  PgQueryResultHKT,
  PreparedQueryConfig,
  SelectedFieldsOrdered,
} from 'drizzle-orm/pg-core'
import type { SelectResultFields } from 'drizzle-orm/query-builders/select.types'
import {
  fillPlaceholders,
  mapResultRow,
  PgDatabase,
  PgDialect,
  PgPreparedQuery,
  PgSession,
  sql,
} from './drizzle.ts'

/** Where a statement runs: on any connection, or on the one that a transaction has. */
export type Client = Pool | ClientBase

/** What a statement without `returning` answers: pg's own result. */
interface Answer extends PgQueryResultHKT {
  type: QueryResult<this['row'] extends QueryResultRow ? this['row'] : QueryResultRow>
}

/** Transactions are inTransaction's: its timeouts, and what becomes of a broken connection, hold for all. */
type Statements = Pick<
  Database<Answer>,
  | 'select'
  | 'selectDistinct'
  | 'selectDistinctOn'
  | 'insert'
  | 'update'
  | 'delete'
  | 'with'
  | '$with'
  | 'execute'
>

/**
 * Statements on the tables of the schema, typed by them: `on(pool).select({ id: alerts.id }).from(alerts)`.
 * A client of inTransaction makes them part of its transaction. Building one costs a tenth of a millisecond: who asks
 * again and again prepares it once.
 */
export function on(client: Client): Statements {
  return new PgDatabase<Answer>(dialect, new Session(client), undefined)
}

/** Some columns of a table, to be selected under their names in the schema. */
export function columnsOf<T extends object, K extends keyof T & string>(
  table: T,
  ...names: readonly K[]
): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, table[name]])) as Pick<T, K>
}

/** Columns and expressions by the names that they get. */
type Columns = Record<string, PgColumn | SQL | SQL.Aliased>

/** What a row of these columns is. */
export type Row<C extends Columns> = Readonly<SelectResultFields<C>>

/**
 * For SQL that the builder can't say. The columns give the result its type and its names; `write` puts them
 * behind a select or a returning.
 */
export function read<C extends Columns>(
  client: Client,
  columns: C,
  write: (columns: SQL) => SQL,
): Promise<SelectResultFields<C>[]> {
  return prepared(client, columns, write)()
}

/**
 * As `read`, for who asks again and again: the text is made once, and the function it returns takes the values of
 * `sql.placeholder`s.
 */
export function prepared<C extends Columns>(
  client: Client,
  columns: C,
  write: (columns: SQL) => SQL,
): (values?: Readonly<Record<string, unknown>>) => Promise<SelectResultFields<C>[]> {
  const list = sql.join(Object.values(columns), sql`, `)
  const fields = Object.entries(columns).map(([name, field]) => ({ path: [name], field }))
  const query = dialect.sqlToQuery(write(list))
  const statement = new Statement<PreparedQueryConfig & { execute: SelectResultFields<C>[] }>(
    client,
    query,
    fields,
  )
  return (values) => statement.execute(values)
}

const dialect = new PgDialect()

/**
 * Takes the place of drizzle's own driver for pg, which wraps each error into one whose message has the
 * statement and its parameters (what we look for in an error is not on it, and payloads would be in logs), and
 * which takes pg's dates for text. Here an error is pg's, and values are as the pool's parsers make them.
 */
class Session extends PgSession<Answer> {
  readonly #client: Client
  constructor(client: Client) {
    super(dialect)
    this.#client = client
  }

  override prepareQuery<T extends PreparedQueryConfig>(
    query: Query,
    fields: SelectedFieldsOrdered | undefined,
    name: string | undefined,
  ): Statement<T> {
    return new Statement<T>(this.#client, query, fields, name)
  }

  override transaction(): never {
    throw new Error('Transactions are begun by inTransaction.')
  }
}

class Statement<T extends PreparedQueryConfig> extends PgPreparedQuery<T> {
  readonly #client: Client
  readonly #fields: SelectedFieldsOrdered | undefined
  readonly #name: string | undefined
  /** Drizzle sets it: the joined tables whose columns are all null where they have no row. */
  declare joinsNotNullableMap?: Record<string, boolean>

  constructor(client: Client, query: Query, fields: SelectedFieldsOrdered | undefined, name?: string) {
    super(query, undefined, undefined)
    this.#client = client
    this.#fields = fields
    this.#name = name
  }

  override async execute(placeholders: Record<string, unknown> = {}): Promise<T['execute']> {
    const fields = this.#fields
    const config = {
      text: this.query.sql,
      values: fillPlaceholders(this.query.params, placeholders),
      ...(this.#name === undefined ? {} : { name: this.#name }),
    }
    if (fields === undefined) return this.#client.query(config)
    const { rows } = await this.#client.query<unknown[]>({ ...config, rowMode: 'array' })
    return rows.map((row) => mapResultRow(fields, row, this.joinsNotNullableMap))
  }
}
