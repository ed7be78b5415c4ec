export { waitFor, type Limits } from '../../scripts/servers/wait.ts'
