/** A button with data-copies copies the text of the element with that id. */
export function copyOnClick() {
  document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('[data-copies]') : null
    if (button !== null) void copyFor(button)
  })
}

async function copyFor(button) {
  const words = (button.dataset.words ??= button.textContent)
  const copied = await copy(document.getElementById(button.dataset.copies))
  button.textContent = copied ? 'Copied' : 'Selected: copy it yourself'
  setTimeout(() => (button.textContent = words), 2_000)
}

/** Browsers give the clipboard to secure pages only; elsewhere the text is selected. */
async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent)
    return true
  } catch {
    getSelection().selectAllChildren(source)
    return false
  }
}
