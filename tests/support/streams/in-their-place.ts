import { registerHooks } from 'node:module'

/**
 * `node --import` of this runs any program of ours with a declaration of the tests' folder in the place of
 * streams/: TEST_STREAM names it and its file here, TEST_MIGRATIONS is the folder of its migrations as a URL.
 */
const root = new URL('../../../', import.meta.url)
const name = process.env['TEST_STREAM']!
const declaration = new URL(`${name}.ts`, import.meta.url).href

const SOURCES: Readonly<Record<string, string>> = {
  [new URL('streams/index.ts', root).href]:
    `import { ${name} } from ${JSON.stringify(declaration)}\nexport const streams = [${name}]\n`,
  [new URL('streams/pages.ts', root).href]: 'export const pages = []\n',
  [new URL('streams/samples.ts', root).href]: 'export const samples = {}\n',
}
const FOLDER = "new URL('../../streams/migrations/', import.meta.url)"

registerHooks({
  load: (url, context, next) => {
    const source = SOURCES[url]
    if (source !== undefined) return { format: 'module', shortCircuit: true, source }
    const loaded = next(url, context)
    if (!url.endsWith('/etl/postgres/migrations.ts')) return loaded
    const text = Buffer.from(loaded.source as Uint8Array).toString()
    if (!text.includes(FOLDER)) throw new Error(`${url} no longer says ${FOLDER}: tell it here`)
    return {
      ...loaded,
      source: text.replace(FOLDER, `new URL(${JSON.stringify(process.env['TEST_MIGRATIONS'])})`),
    }
  },
})
