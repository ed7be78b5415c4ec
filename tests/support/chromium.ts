import { accessSync, constants } from 'node:fs'

/** Debian's, unless CHROMIUM_PATH names another. @throws Error that says what to install. */
export function chromiumPath(): string {
  const path = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch {
    throw new Error(
      `The browser tests need Chromium, and ${path} is not there. On Debian and Ubuntu: apt-get install chromium. ` +
        'Elsewhere set CHROMIUM_PATH to the program of Chromium or Chrome.',
    )
  }
}

/** Before any server is started for nothing. */
export default function setup(): void {
  chromiumPath()
}
