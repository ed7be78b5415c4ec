import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./etl/schema/*.ts', './streams/schema.ts'],
  out: './migrations',
})
