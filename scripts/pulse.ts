import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// Compiling is half of a start. Where the folder can't be written to, as in the image, nothing is kept; and it is
// not a folder that other users can write to, for what is in it is run.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)))
await import('./pulse/program.ts')
