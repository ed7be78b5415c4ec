/**
 * Loaded before a program (`node --import`): at SIGUSR2 its wall clock jumps by CLOCK_JUMP_MS, as when somebody
 * sets the machine's clock. The monotonic clock and all timers go on as before, as they do then.
 */
const RealDate = Date
const jumpMs = Number(process.env['CLOCK_JUMP_MS'])
let aheadMs = 0

class JumpingDate extends RealDate {
  constructor(...given: [] | [value: number | string | Date]) {
    if (given.length === 0) super(JumpingDate.now())
    // All that Date takes: a time, or year, month and so on.
    else super(...given)
  }

  static override now(): number {
    return RealDate.now() + aheadMs
  }
}

globalThis.Date = JumpingDate as DateConstructor
process.on('SIGUSR2', () => {
  aheadMs += jumpMs
})
