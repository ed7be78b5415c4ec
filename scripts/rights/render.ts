import { printable } from '../../etl/text/printable.ts'
import type { EffectiveRights, Right } from './effective.ts'
import { wrappedLines } from '../wrapped.ts'
import { byObject, ownRights, partsOf, rolesOf, type RightsReport } from './judge.ts'

const WIDTH = 110
const RIGHTS_WIDTH = 32

/** Who may do what, for people: under each role its rights, what has the same ones in one line. */
export function renderRights({ effective, findings }: RightsReport): string {
  const lines = [
    'Rights',
    ...heading('pulse_owner', 'owns the schemas warehouse and audit and all that is in them', effective),
    ...rolesOf(effective).flatMap((role) => renderRole(role, effective)),
    ...findings.flatMap(({ level, message, statement }) => [
      `  ${level === 'error' ? '❌' : '⚠️'} ${message}:`,
      `     ${statement}`,
    ]),
    ...(findings.length === 0 ? ['  ✅ Nobody may do more or less than is declared'] : []),
  ]
  return lines.map(printable).join('\n')
}

function renderRole(role: string, effective: EffectiveRights): string[] {
  const rows = rowsOf(ownRights(effective, role))
  const isMember = effective.roles.some(({ name, memberOf }) => name === role && memberOf.length > 0)
  if (rows.size === 0) return isMember ? [] : [`  ${role}`, '    nothing']
  return [
    ...heading(role, '', effective),
    ...[...rows].flatMap(([rights, objects]) =>
      wrappedLines(objects.join(', '), WIDTH - RIGHTS_WIDTH - 4).map(
        (line, i) => `    ${(i === 0 ? rights : '').padEnd(RIGHTS_WIDTH)}${line}`,
      ),
    ),
  ]
}

/** Objects by the rights on them; one whose columns have rights of their own stands there with these too. */
function rowsOf(rights: readonly Right[]): Map<string, string[]> {
  const rows = new Map<string, string[]>()
  const add = (text: string, object: string) => rows.set(text, [...(rows.get(text) ?? []), object])
  for (const [object, all] of byObject(rights)) {
    const columns = new Map<string, string[]>()
    const whole: string[] = []
    for (const right of all) {
      const { name, column } = partsOf(right)
      if (column === undefined) whole.push(name)
      else columns.set(name, [...(columns.get(name) ?? []), column])
    }
    if (whole.length > 0) add(whole.join(', '), object.replace(/\(.*\)$/, '()'))
    for (const [name, of] of columns) add(name, `${object} (${of.join(', ')})`)
  }
  return new Map([...rows].map(([text, objects]) => [text, [...new Set(objects)].toSorted()]))
}

function heading(role: string, what: string, { roles }: EffectiveRights): string[] {
  const members = roles
    .filter(({ memberOf }) => memberOf.some(({ name }) => name === role))
    .map(({ name }) => name)
  const administrators = roles.filter(({ administrator }) => administrator).map(({ name }) => name)
  const acting =
    role === 'pulse_owner'
      ? [...new Set([...members, ...administrators])]
      : members.filter((m) => !administrators.includes(m))
  return [
    `  ${role}${what === '' ? '' : ` ${what}`}${acting.length === 0 ? '' : `; may act as it: ${acting.join(', ')}`}`,
  ]
}
