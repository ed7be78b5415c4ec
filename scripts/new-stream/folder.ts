import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SHIPPED_STREAMS } from '../../etl/process/streams-folder.ts'
import { constantOf } from './names.ts'
import { NoGuess } from './sample.ts'
import { languageTypes, TYPES_FILE, writeTypes } from './types-file.ts'

/** Where a stream goes in a folder of streams; nothing has been written yet. */
export interface Place {
  /** The name that the declaration exports. */
  readonly constant: string
  /** Writes the declaration, and the line that lists it. @returns what was written, as paths. */
  write(declaration: string): string[]
}

const LIST = /(export const streams\b[^=]*=\s*\[)([^\]]*)(\])/

/** For editors and check-streams: as strict as the engine's own. */
export const TSCONFIG = `{
  "compilerOptions": {
    "target": "es2024",
    "lib": ["es2024"],
    "module": "preserve",
    "moduleDetection": "force",
    "types": [],
    "noEmit": true,
    "strict": true,
    "noUncheckedIndexedAccess": true,
    "exactOptionalPropertyTypes": true,
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true,
    "allowImportingTsExtensions": true,
    "skipLibCheck": true
  },
  "include": ["**/*.ts"]
}
`

/**
 * Finds a stream's place, and refuses to overwrite anything.
 *
 * @throws NoGuess where the stream is there, or index.ts is none that a line can be added to.
 */
export function placeIn(folder: URL, stream: string): Place {
  const declaration = new URL(`${stream}/${stream}.ts`, folder)
  const index = new URL('index.ts', folder)
  if (existsSync(new URL(`${stream}/`, folder)))
    throw new NoGuess(`${fileURLToPath(new URL(stream, folder))} is there already, and is left as it is`)
  const text = existsSync(index) ? readFileSync(index, 'utf8') : undefined
  const constant = constantOf(stream, text === undefined ? [] : (text.match(/[\w$]+/g) ?? []))
  const line = `import { ${constant} } from './${stream}/${stream}.ts'\n`
  const listed = text === undefined ? firstIndex(line, constant) : withStream(text, line, constant)
  if (listed === undefined)
    throw new NoGuess(
      `${fileURLToPath(index)} has no "export const streams = […]" that a line can be added to`,
    )
  return {
    constant,
    write: (content) => {
      // Before anything is written: it needs the compiler, which isn't everywhere.
      const types = folder.href === SHIPPED_STREAMS.href ? undefined : languageTypes()
      mkdirSync(new URL('.', declaration), { recursive: true })
      writeFileSync(declaration, content, { flag: 'wx' })
      writeFileSync(index, listed)
      const written = [declaration, index]
      const tsconfig = new URL('tsconfig.json', folder)
      if (types !== undefined && !existsSync(tsconfig)) {
        writeFileSync(tsconfig, TSCONFIG)
        written.push(tsconfig)
      }
      if (types !== undefined && writeTypes(folder, types)) written.push(new URL(TYPES_FILE, folder))
      return written.map((url) => fileURLToPath(url))
    },
  }
}

const firstIndex = (line: string, constant: string): string =>
  `${line}\n/** The record types that this installation loads: a line for each. */\nexport const streams = [${constant}]\n`

/** The index with one more import, after the others, and one more stream, the last. */
function withStream(text: string, line: string, constant: string): string | undefined {
  if (!LIST.test(text)) return undefined
  const imports = [...text.matchAll(/^import [^\n]*\n|^\} from [^\n]*\n/gm)].at(-1)
  const at = imports === undefined ? 0 : imports.index + imports[0].length
  return `${text.slice(0, at)}${line}${text.slice(at)}`.replace(
    LIST,
    (_, before: string, list: string, after: string) =>
      /\n/.test(list)
        ? `${before}${list.replace(/,?\s*$/, '')},\n  ${constant},\n${after}`
        : `${before}${[list.trim().replace(/,$/, ''), constant].filter(Boolean).join(', ')}${after}`,
  )
}
