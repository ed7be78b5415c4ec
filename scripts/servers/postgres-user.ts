import { execFileSync } from 'node:child_process'

export interface User {
  readonly uid: number
  readonly gid: number
}

/**
 * Whom Postgres runs as. It refuses root, so root hands it to `nobody`; initdb wants the user to have a name.
 *
 * @returns undefined if we aren't root: Postgres runs as we do.
 */
export function postgresUser(): User | undefined {
  return process.getuid?.() === 0 ? { uid: idOfNobody('-u'), gid: idOfNobody('-g') } : undefined
}

function idOfNobody(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
}
