import { isUtf8 } from 'node:buffer'
import { bytesOfHex, hexOf } from '../../text/hex.ts'

/** A value as somebody edits it in a form. */
export interface Draft {
  readonly as: 'text' | 'hex'
  readonly content: string
}

/** What somebody made of a value. */
type Edited =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly value: Buffer }
  | { readonly kind: 'unreadable'; readonly problem: string }

/** Forms write each byte of text as up to three, and a request may have 4 MiB. */
export const MAX_EDITABLE_BYTES = 1024 * 1024

/** Whether a field of a page can hold these bytes as text: a browser makes U+FFFD of NUL. */
export const isEditableText = (value: Buffer): boolean => isUtf8(value) && !value.includes(0)

/** @param as of bytes that can't be edited as text it is hex in any case. */
export function draftOf(value: Buffer, as: Draft['as'] = 'text'): Draft {
  return as === 'text' && isEditableText(value)
    ? { as, content: value.toString() }
    : { as: 'hex', content: hexOf(value) }
}

/**
 * The bytes that a form came back with. A form can't tell one kind of line end from another: what differs
 * from the original in line ends alone is the original, byte for byte; what was changed has the line ends
 * of the original where it has but one kind, else line feeds.
 */
export function editedValue(original: Buffer, { as, content }: Draft): Edited {
  const value = as === 'text' ? textBytes(original, content) : bytesOfHex(content)
  if (value === undefined)
    return {
      kind: 'unreadable',
      problem: 'That is no hex: pairs of 0 to 9 and a to f, with any space between.',
    }
  return value.equals(original) ? { kind: 'same' } : { kind: 'changed', value }
}

function textBytes(original: Buffer, content: string): Buffer {
  const text = withLineFeeds(content)
  const before = original.toString()
  if (isEditableText(original) && text === withLineFeeds(before)) return original
  const kinds = new Set(before.match(LINE_END))
  return Buffer.from(kinds.size === 1 ? text.replaceAll('\n', [...kinds][0]!) : text)
}

const LINE_END = /\r\n|\r|\n/g
const withLineFeeds = (text: string): string => text.replaceAll(LINE_END, '\n')
