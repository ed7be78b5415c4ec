import { forget, type ForgetRequest } from '../../etl/forget/forget.ts'
import { compile } from '../../etl/stream/compile.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { readConfig } from '../../etl/process/config.ts'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { World } from './world.ts'
import { ADA } from './background.ts'

/** Forgets records of a world's stream, with the rights of the loader. */
export async function forgetIn(world: World, of: Definition, request: Partial<ForgetRequest>) {
  const pool = createPool(readConfig(['database'], world.env), 'pulse_loader', pino({ level: 'silent' }))
  onTestFinished(() => pool.end())
  return forget(pool, compile(of), ADA, {
    keys: [],
    deadLetters: [],
    reason: 'INC-42',
    dryRun: false,
    ...request,
  })
}

/** The tables that have a text anywhere, also in bytes or as base64: where what was forgotten is left. */
export async function whereIs({ pool }: World, text: string): Promise<string[]> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema in ('warehouse', 'audit') and table_type = 'BASE TABLE' order by 1`,
  )
  const found: string[] = []
  for (const { name } of tables) {
    const { rowCount } = await pool.query(
      `select from ${name} t where t::text like '%' || $1 || '%' or t::text like '%' || encode($1::text::bytea, 'hex') || '%'
         or t::text like '%' || rtrim(encode(substr($1, 1, 6)::bytea, 'base64'), '=') || '%'`,
      [text],
    )
    if (rowCount !== 0) found.push(name)
  }
  return found
}
