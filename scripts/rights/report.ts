import type { ClientBase } from 'pg'
import { readRights, type EffectiveRights } from './effective.ts'
import { judgeRights, type RightsFinding } from './judge.ts'

/** Who may do what in the warehouse, and what of it is not as declared. */
export interface RightsReport {
  readonly effective: EffectiveRights
  readonly findings: readonly RightsFinding[]
}

export async function reportRights(client: ClientBase): Promise<RightsReport> {
  const effective = await readRights(client)
  return { effective, findings: judgeRights(effective) }
}

/** Warnings are allowed. */
export function isAsDeclared({ findings }: RightsReport): boolean {
  return findings.every(({ level }) => level === 'warning')
}
