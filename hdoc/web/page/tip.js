// What a sentence and a word weigh, told beside the pointer or the focus. Words have no elements of their own
// unless they are marked: their place in the text is found from the pointer's.

import { element, visible } from "./elements.js";
import { percentage, signed, words } from "./wording.js";

export class Tip {
  constructor(container, box) {
    this.box = box;
    this.view = null;
    this.described = null;
    container.addEventListener("pointermove", (event) => this.point(event));
    container.addEventListener("pointerleave", () => this.hide());
    container.addEventListener("click", (event) => { if (!event.target.closest(".rank")) this.point(event); });
    container.addEventListener("focusin", (event) => this.focused(event));
    container.addEventListener("focusout", () => this.hide());
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.hide(); });
    document.addEventListener("scroll", () => this.follow(), { passive: true });
  }

  /** Tell the numbers of this view from now on. */
  tell(view) {
    this.hide();
    this.view = view;
  }

  focused(event) {
    const span = event.target.closest(".s");
    if (!span) return;
    const place = span.getClientRects()[0];
    if (place) this.show(span, null, place.left + Math.min(place.width / 2, 120), place.top);
  }

  /** When the page scrolls, the tip of the focused sentence moves along; that of the pointer ends. */
  follow() {
    if (this.box.hidden) return;
    if (this.described === document.activeElement) this.focused({ target: this.described });
    else this.hide();
  }

  point(event) {
    const span = event.target.closest(".s");
    if (!span) return this.hide();
    const word = event.target.dataset?.w ? Number(event.target.dataset.w) : this.wordAt(span, event);
    const rows = [...span.getClientRects()];
    const row = rows.find((each) => event.clientY >= each.top && event.clientY <= each.bottom) ?? rows[0];
    this.show(span, word, event.clientX, row.top);
    return undefined;
  }

  wordAt(span, event) {
    const caret = document.caretPositionFromPoint?.(event.clientX, event.clientY)
      ?? document.caretRangeFromPoint?.(event.clientX, event.clientY);
    const node = caret?.offsetNode ?? caret?.startContainer;
    if (!node || !span.contains(node)) return null;
    const before = document.createRange();
    before.setStart(span, 0);
    before.setEnd(node, caret.offset ?? caret.startOffset);
    const index = Number(span.dataset.i);
    const { first, last, start } = this.view.evidence.sentences[index];
    const at = start + before.toString().length;
    for (let word = first; word < last; word += 1) {
      const { start: from, end: to } = this.view.evidence.words[word];
      if (at >= from && at <= to) return word;
    }
    return null;
  }

  show(span, word, x, y) {
    const { view } = this;
    const { evidence } = view;
    const index = Number(span.dataset.i);
    const say = (value, scale) => percentage(scale.share(value));
    const plain = (text) => text.replace(/^\+/, "");
    const value = view.sentence.values[index];
    const lines = [view.attention
      ? words().sentenceAttention(plain(say(value, view.sentence)))
      : words().sentenceShare(say(value, view.sentence), signed(value))];
    if (word !== null) {
      const amount = view.word.values[word];
      const spelling = visible(evidence.text.slice(evidence.words[word].start, evidence.words[word].end));
      const short = spelling.length > 24 ? `${spelling.slice(0, 23)}…` : spelling;
      lines.push(view.attention
        ? words().wordAttention(short, plain(say(amount, view.word)))
        : words().wordShare(short, say(amount, view.word), signed(amount)));
    }
    this.box.replaceChildren(...lines.map((line) => element("div", {}, line)));
    this.box.hidden = false;
    if (this.described !== span) {
      this.described?.removeAttribute("aria-describedby");
      span.setAttribute("aria-describedby", this.box.id);
      this.described = span;
    }
    const { width, height } = this.box.getBoundingClientRect();
    const left = Math.min(Math.max(8, x - width / 2), document.documentElement.clientWidth - width - 8);
    const above = y - height - 6;
    this.box.style.left = `${left}px`;
    this.box.style.top = `${above > 4 ? above : y + 36}px`;
  }

  hide() {
    this.box.hidden = true;
    this.described?.removeAttribute("aria-describedby");
    this.described = null;
  }
}
