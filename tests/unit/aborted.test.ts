import { expect, test } from 'vitest'
import { aborted, unlessAborted } from '../../etl/process/aborted.ts'

test('a work that ends first has its outcome, and leaves nothing on the signal', async () => {
  const { signal } = new AbortController()
  expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7)
  await expect(unlessAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed')
})

test.each(['before', 'meanwhile'])(
  'a signal that is aborted %s ends the wait with its reason',
  async (when) => {
    const controller = new AbortController()
    if (when === 'before') controller.abort(new Error('told to stop'))
    const waiting = unlessAborted(new Promise(() => {}), controller.signal)
    const resolved = aborted(controller.signal)
    controller.abort(new Error('told to stop'))
    await expect(waiting).rejects.toThrow('told to stop')
    expect(await resolved).toBeUndefined()
  },
)

test('a work that fails after the wait ended is no unhandled rejection', async () => {
  const controller = new AbortController()
  const work = Promise.withResolvers<never>()
  const waiting = unlessAborted(work.promise, controller.signal)
  controller.abort(new Error('told to stop'))
  await expect(waiting).rejects.toThrow('told to stop')
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  work.reject(new Error('late'))
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})
