export { createDatabase, type OwnDatabase as TestDatabase } from '../../scripts/servers/postgres.ts'
