// Elements of the page, and text that is safe to put into them.

const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
const NAMELESS = /[\u0080-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufeff]/g;
const LONELY = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export const find = (id) => document.getElementById(id);

/** Make an element; attributes that are null are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Show control characters, and what could reorder a line, as symbols; no character changes its place. */
export function visible(text) {
  return text.replace(CONTROLS, (character) => String.fromCharCode(0x2400 + (character === "\u007f" ? 0x21 : character.charCodeAt(0))))
    .replace(NAMELESS, "\ufffd").replace(LONELY, "\ufffd");
}
