import { describe, expect, test } from 'vitest'
import { commandFailure } from '../../scripts/command-failure.ts'
import { HELP, readOptions } from '../../scripts/bench/options.ts'

describe('the matrix', () => {
  test('is every scenario in three partitions and in one, without options', () => {
    expect(readOptions([])).toEqual({
      kind: 'matrix',
      records: 200_000,
      scenarios: ['v7', 'v4', 'spread', 'mix'],
      partitions: [3, 1],
      batchSizes: [1_000],
      statements: false,
    })
  })

  test('is narrowed by lists, of which each value counts once', () => {
    const options = [
      '--scenario',
      'mix,v4,mix',
      '--partitions=1',
      '--batch-size',
      '1000,5000',
      '--statements',
    ]
    expect(readOptions([...options, '--records', '20000'])).toEqual({
      kind: 'matrix',
      records: 20_000,
      scenarios: ['mix', 'v4'],
      partitions: [1],
      batchSizes: [1_000, 5_000],
      statements: true,
    })
  })
})

describe('against a commit', () => {
  test('it is nine pairs of the mix, unless other ones are named', () => {
    expect(readOptions(['--against', 'HEAD~1'])).toEqual({
      kind: 'against',
      commit: 'HEAD~1',
      pairs: 9,
      records: 200_000,
      scenario: 'mix',
      partitions: 3,
      batchSize: 1_000,
    })
    expect(
      readOptions(['--against=v1', '--pairs', '15', '--scenario', 'v4', '--partitions', '1']),
    ).toMatchObject({ pairs: 15, scenario: 'v4', partitions: 1 })
  })
})

test.each([
  [['--records', '999'], '--records "999": it is not a whole number from 1000 to 100000000'],
  [['--records', '2e5'], '--records "2e5": it is not a whole number'],
  [['--records='], '--records "": it is not a whole number'],
  [['--scenario', 'v5'], '--scenario "v5": it is none of v7, v4, spread, mix'],
  [['--scenario', 'v4,'], '--scenario "": it is none of'],
  [['--partitions', '3,0'], '--partitions "0": it is not a whole number from 1 to 100'],
  [['--batch-size', '100001'], '--batch-size "100001": it is not a whole number from 1 to 100000'],
  [['--pairs', '9'], '--pairs "9": it goes with --against COMMIT only'],
  [['--against', 'x', '--pairs', '8'], '--pairs "8": it is not a whole number from 9 to 99'],
  [['--against', 'x', '--scenario', 'v4,v7'], '--scenario "v4,v7": with --against it takes one value, not 2'],
  [['--against', 'x', '--statements'], '--statements: it does not go with --against'],
  [['--against='], '--against "": it takes a commit, tag or branch'],
  [['--against=--upload-pack=x'], '--against "--upload-pack=x": it takes a commit'],
  [['--fast'], "Unknown option '--fast'"],
  [['fast'], "Unexpected argument 'fast'"],
])('%j is refused as usage', (args, message) => {
  const { message: said, exitCode } = failureOf(args)
  expect(said).toContain(message)
  expect(exitCode).toBe(2)
})

test('the help is asked for with --help and names every option', () => {
  expect(readOptions(['-h', '--records', 'x'])).toEqual({ kind: 'help' })
  for (const option of ['records', 'scenario', 'partitions', 'batch-size', 'statements', 'against', 'pairs'])
    expect(HELP).toContain(`--${option}`)
})

function failureOf(args: readonly string[]) {
  try {
    readOptions(args)
  } catch (error) {
    return commandFailure(error)
  }
  throw new Error(`${args.join(' ')} was accepted`)
}
