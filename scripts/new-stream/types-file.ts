import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The language's types in one file, so that an editor and the compiler know `global-sales-pulse/streams` in a folder
 * outside of this package, without an installed package or a path to it.
 */
export const TYPES_FILE = 'global-sales-pulse.d.ts'

const ROOT = new URL('../../', import.meta.url)
const ENTRY = 'etl/stream/index'
const LANGUAGE = 'global-sales-pulse/streams'
/** What is behind the language and no declaration can see has no types there. */
const INSIDE = /^etl\/(stream|process\/settings)/

/** Of packages as much as the language shows of them: the folder need not have them. */
const PACKAGES: Readonly<Record<string, string>> = {
  zod: `
    export namespace z {
      interface ZodType<Out = unknown> {
        readonly _output: Out
        default(value: Out): ZodType<Out>
        optional(): ZodType<Out | undefined>
      }
      type output<Type> = Type extends ZodType<infer Out> ? Out : never
    }`,
  pg: `
    export interface ClientBase {
      query<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<{ rows: R[]; rowCount: number | null }>
    }`,
}

/**
 * The file's text, made of the engine's sources by the TypeScript compiler.
 *
 * @throws Error where typescript isn't installed, as in the image without development packages.
 */
export function languageTypes(): string {
  const out = mkdtempSync(join(tmpdir(), 'pulse-types-'))
  try {
    writeFileSync(join(out, 'tsconfig.json'), JSON.stringify(emitInto(out)))
    compile(['-p', join(out, 'tsconfig.json')])
    return rolledUp((module) => {
      const file = join(out, `${module}.d.ts`)
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined
    })
  } finally {
    rmSync(out, { recursive: true })
  }
}

/** @returns whether the folder's file was not as it should be, and was written. */
export function writeTypes(folder: URL, text = languageTypes()): boolean {
  const file = new URL(TYPES_FILE, folder)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return false
  writeFileSync(file, text)
  return true
}

/**
 * Runs the TypeScript compiler.
 *
 * @throws Error with what it found.
 */
export function compile(args: readonly string[]): void {
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT))
  if (!existsSync(tsc))
    throw new Error('typescript is not installed here: use a checkout, or the image of the target tools')
  try {
    execFileSync(process.execPath, [tsc, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr, signal } = error as { stdout?: string; stderr?: string; signal?: string | null }
    const ended = signal ? `was ended by ${signal}; it needs about 400 MB` : 'failed'
    throw new Error(`${stdout ?? ''}${stderr ?? ''}`.trim() || `the TypeScript compiler ${ended}`, {
      cause: error,
    })
  }
}

const emitInto = (outDir: string) => ({
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024', 'esnext.collection'],
    module: 'nodenext',
    types: ['node'],
    typeRoots: [fileURLToPath(new URL('node_modules/@types', ROOT))],
    strict: true,
    exactOptionalPropertyTypes: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: fileURLToPath(ROOT),
    outDir,
  },
  files: [fileURLToPath(new URL(`${ENTRY}.ts`, ROOT))],
})

/** Every module that the language's entry reaches, as an ambient one in one file. */
function rolledUp(read: (module: string) => string | undefined): string {
  const done = new Map<string, string>()
  const left = [ENTRY]
  for (let module = left.pop(); module !== undefined; module = left.pop()) {
    if (done.has(module)) continue
    const text = INSIDE.test(module) ? read(module) : undefined
    if (text === undefined) {
      done.set(module, `declare module '${nameOf(module)}'`)
      continue
    }
    const body = text
      .replaceAll(/(from |import\()(['"])([^'"]+)\2/g, (_, how: string, quote: string, specifier: string) => {
        const target = resolved(module, specifier)
        left.push(target)
        return `${how}${quote}${nameOf(target)}${quote}`
      })
      .replaceAll(/^(export )?declare /gm, '$1')
    done.set(module, `declare module '${nameOf(module)}' {\n${body}}`)
  }
  const packages = Object.entries(PACKAGES).filter(([name]) => done.has(name))
  for (const [name, text] of packages) done.set(name, `declare module '${nameOf(name)}' {${text}\n}`)
  return `// Written by new-stream and check-streams: the types of ${LANGUAGE}, for editors and the compiler.\n\n${[...done.values()].join('\n\n')}\n`
}

/** `../field.ts` of `etl/stream/words/texts` is `etl/stream/field`; a package is itself. */
const resolved = (module: string, specifier: string): string =>
  specifier.startsWith('.')
    ? new URL(specifier.replace(/\.ts$/, ''), `file:///${module}`).pathname.slice(1)
    : specifier

const nameOf = (module: string): string =>
  module === ENTRY ? LANGUAGE : `global-sales-pulse/types/${module}`
