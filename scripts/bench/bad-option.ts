/** An option of the benchmark that is not accepted. A TypeError with a code, as `parseArgs` throws them. */
export class BadOption extends TypeError {
  override readonly name = 'BadOption'
  readonly code = 'BAD_OPTION'

  /**
   * @param value undefined of an option that takes none.
   * @param problem and what is accepted.
   */
  constructor(option: string, value: string | undefined, problem: string) {
    super(`${option}${value === undefined ? '' : ` ${JSON.stringify(value.slice(0, 80))}`}: ${problem}`)
  }
}
