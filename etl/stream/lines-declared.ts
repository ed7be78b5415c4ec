import { keyNames } from './columns.ts'
import type { Definition } from './definition.ts'
import { columnName, Field } from './field.ts'
import type { Refers } from './identity-declared.ts'

const STREAM_NAME = /^[a-z][a-z0-9_]{0,30}$/
const NAME = /^[a-z][a-z0-9_]{0,40}$/

/** Lines hang on facts or versions: their columns are beside the key, and their table is named by the stream's and the field's. */
export function linesProblems(stream: Definition, refers: Refers): string[] {
  const { name, fields, derived = {}, rollups = {}, identity, write } = stream
  const problems = Object.keys(derived)
    .filter((field) => derived[field]!.kind.lines !== undefined)
    .map((field) => `derived.${field} can't have lines: they are what messages say`)
  const taken = [
    ...Object.keys(rollups),
    ...(identity.scope === 'warehouse' ? [identity.keys] : []),
    ...Object.keys(write?.tables ?? {}),
  ]
  for (const [field, { kind, fallback }] of Object.entries(fields)) {
    if (kind.lines === undefined) continue
    if (identity.each !== undefined)
      problems.push(`fields.${field} has lines: those need an identity, which single records have not`)
    if (identity.latest !== undefined && identity.keepVersions !== undefined)
      problems.push(
        `fields.${field} has lines: keepVersions would leave them behind, so all versions are kept`,
      )
    const table = `${name}_${field}`
    const must = (holds: boolean, problem: string) =>
      void (holds || problems.push(`fields.${field}${problem}`))
    must(STREAM_NAME.test(table), `: its table ${table} must be named by at most 31 letters`)
    must(!taken.includes(table), `: its table ${table} has the name of another`)
    must(
      fallback === undefined || (fallback as readonly unknown[]).length === 0,
      `.default must be [], as facts from before have no lines`,
    )
    const names = Object.keys(kind.lines.fields)
    must(names.length > 0 && names.length < 50, ` has ${names.length} fields; it must be 1 to 49`)
    const columns = new Set(['line_no', ...keyNames(stream)])
    for (const line of names) {
      const word = kind.lines.fields[line]!
      const part = `.${line}`
      must(NAME.test(line), `${part} must be named by 1 to 41 of a to z, 0 to 9 and _`)
      if (!(word instanceof Field)) {
        problems.push(`fields.${field}${part} is no word such as text(50)`)
        continue
      }
      must(word.kind.lines === undefined, `${part} can't have lines of its own`)
      must(typeof word.options.at !== 'object', `${part} stands in a line: its at must be a path`)
      const column = columnName(kind.lines.fields, line)
      must(
        NAME.test(column) && !columns.has(column),
        `${part}: its column ${column} is taken, or no name: give it another by { column: … }`,
      )
      columns.add(column)
      if (word.kind.of === undefined) continue
      const among = { ...fields, ...kind.lines.fields }
      refers(`fields.${field}${part}.of`, word.kind.of, among, ['currencyCode'])
      must(among[word.kind.of]?.isOptional !== true, `${part}.of: ${word.kind.of} can't be optional`)
    }
  }
  return problems
}
