export { waitFor, type Limits } from '../../scripts/servers/wait-for.ts'
