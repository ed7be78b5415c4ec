import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './etl/schema/*.ts',
  out: './migrations',
})
