import { registerHooks } from 'node:module'

/**
 * `node --import` of this runs any program of ours with declarations of the tests' folder in the place of
 * streams/: TEST_STREAMS names them and their files here, TEST_MIGRATIONS is the folder of their migrations as a URL.
 */
const root = new URL('../../../', import.meta.url)
const names = process.env['TEST_STREAMS']!.split(',')
const imported = names.map(
  (name) => `import { ${name} } from ${JSON.stringify(new URL(`${name}.ts`, import.meta.url).href)}`,
)

const SOURCES: Readonly<Record<string, string>> = {
  [new URL('streams/index.ts', root).href]:
    `${imported.join('\n')}\nexport const streams = [${names.join(', ')}]\n`,
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
