/** What the rest of the product uses of the schema validator. */
export { validateSchema, type ValidationOptions } from './validate.ts'
export { renderReport, type RenderOptions } from './render.ts'
export type { Finding, SchemaReport } from './report.ts'
export { unreachableReport } from './checks/connectivity.ts'
