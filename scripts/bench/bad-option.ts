/** An option of the benchmark that is not accepted. A TypeError with a code, as `parseArgs` throws them. */
export class BadOption extends TypeError {
  override readonly name = 'BadOption'
  readonly code = 'BAD_OPTION'

  /** @param problem and what is accepted, to follow the value. */
  constructor(option: string, value: string, problem: string) {
    super(`${option} ${JSON.stringify(value.slice(0, 80))}: ${problem}`)
  }
}
