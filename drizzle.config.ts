import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './etl/warehouse/schema/*.ts',
  out: './migrations',
})
