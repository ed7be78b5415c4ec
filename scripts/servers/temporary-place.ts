import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { postgresUser } from './postgres.ts'

/** The temp directory, or /tmp if it is one that the user who runs Postgres can't enter (root's own, say). */
export function temporaryPlace(): string {
  const user = postgresUser()
  if (user === undefined) return tmpdir()
  const enter = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', tmpdir()], { ...user, cwd: '/' })
  return enter.status === 0 ? tmpdir() : '/tmp'
}
