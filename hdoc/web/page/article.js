// The text in its own layout, with sentences shaded and the strongest words marked. Elements are made for
// sentences once, and for words only where they are marked; what the slider does not change is not touched.

import { element, visible } from "./elements.js";
import { Tip } from "./tip.js";
import { words } from "./wording.js";

const LONG_PARAGRAPH = 2000;
const N_BADGES = 7;
const LONGEST_TAIL = 12;

/** Keep a badge on the line of the word before it. */
function withLastWord(last, badge) {
  if (typeof last !== "string") return [element("span", { class: "tail" }, last, badge)];
  const cut = Math.max(last.search(/\S+\s*$/), last.length - LONGEST_TAIL);
  return [last.slice(0, cut), element("span", { class: "tail" }, last.slice(cut), badge)];
}

export class Article {
  constructor(container, tip, onRank) {
    this.container = container;
    this.tip = new Tip(container, tip);
    this.onRank = onRank;
    container.addEventListener("click", (event) => this.tap(event));
    container.addEventListener("keydown", (event) => this.key(event));
  }

  /** Lay a document out. */
  show(evidence) {
    this.evidence = evidence;
    this.drawn = [];
    const { text, sentences } = evidence;
    const fragment = document.createDocumentFragment();
    let paragraph = element("p");
    let size = 0;
    let end = 0;
    this.spans = sentences.map((sentence, index) => {
      const gap = text.slice(end, sentence.start).replace(/\r\n?/g, "\n");
      const n_breaks = gap.split("\n").length - 1;
      if (index && (n_breaks >= 2 || (n_breaks && size > LONG_PARAGRAPH))) {
        fragment.append(paragraph);
        // Paragraphs are what the browser lays out only when they come near, so long ones are divided.
        paragraph = element("p", n_breaks >= 2 ? {} : { class: "on" });
        size = 0;
        paragraph.append(visible(gap.replaceAll("\n", (_, at) => (at === gap.lastIndexOf("\n") || n_breaks === 1 || at === gap.indexOf("\n") ? "" : "\n"))));
      } else {
        paragraph.append(visible(gap));
      }
      const span = element("span", { class: "s", "data-i": index, tabindex: -1 });
      paragraph.append(span);
      size += sentence.end - sentence.start;
      end = sentence.end;
      return span;
    });
    fragment.append(paragraph);
    this.container.replaceChildren(fragment);
  }

  /** Shade sentences and mark words as a view says. */
  paint(view, amount) {
    this.tip.tell(view);
    this.view = view;
    const shown = view.shownSentences(amount);
    const marked = view.markedWords(amount);
    const ranks = new Map([...view.sentence.order.subarray(0, N_BADGES)].map((index, rank) => [index, rank + 1]));
    this.shown = shown;
    this.spans.forEach((span, index) => {
      const value = view.sentence.values[index];
      const side = shown.has(index) ? view.side(value) : "";
      const rank = shown.has(index) ? ranks.get(index) ?? 0 : 0;
      const indices = marked.get(index) ?? [];
      const strength = side ? Math.max(view.sentence.strength(index), 0.02).toFixed(3) : "0";
      const state = `${side} ${strength} ${rank} ${indices.map((word) => `${word}${view.side(view.word.values[word])}${view.word.strength(word).toFixed(2)}`)}`;
      if (this.drawn[index] === state) return;
      this.drawn[index] = state;
      span.className = side ? `s ${side}` : "s";
      span.style.setProperty("--v", strength);
      span.replaceChildren(...this.content(index, indices, rank));
    });
    const first = view.sentence.order.find((index) => shown.has(index)) ?? 0;
    for (const span of this.container.querySelectorAll('[tabindex="0"].s')) span.tabIndex = -1;
    if (this.spans[first]) this.spans[first].tabIndex = 0;
    return shown.size;
  }

  content(index, indices, rank) {
    const { text, sentences, words: all } = this.evidence;
    const parts = [];
    let end = sentences[index].start;
    for (const word of indices) {
      const { start, end: stop } = all[word];
      const mark = element("mark", { class: this.view.side(this.view.word.values[word]), "data-w": word }, visible(text.slice(start, stop)));
      mark.style.setProperty("--v", this.view.word.strength(word).toFixed(2));
      parts.push(visible(text.slice(end, start)), mark);
      end = stop;
    }
    parts.push(visible(text.slice(end, sentences[index].end)));
    if (rank) {
      const badge = element("button", { type: "button", class: "rank", "data-rank": rank, tabindex: -1, "aria-label": words().rank(rank) }, String(rank));
      parts.push(...withLastWord(parts.pop() || parts.pop(), badge));
    }
    return parts;
  }

  /** Bring a sentence into view, with the focus. */
  jump(index) {
    const span = this.spans[index];
    this.move(span);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    span.scrollIntoView({ block: "center", behavior: calm || this.spans.length > 300 ? "auto" : "smooth" });
  }

  move(span) {
    for (const other of this.container.querySelectorAll('[tabindex="0"].s')) other.tabIndex = -1;
    span.tabIndex = 0;
    span.focus({ preventScroll: true });
  }

  key(event) {
    const span = event.target.closest(".s");
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!span || event.ctrlKey || event.metaKey || event.altKey) return;
    const current = Number(span.dataset.i);
    const order = this.shown.size ? [...this.shown].sort((a, b) => a - b) : this.spans.map((_, index) => index);
    let next;
    if (step === 1) next = order.find((index) => index > current);
    else if (step === -1) next = order.findLast((index) => index < current);
    else if (event.key === "Home") next = order[0];
    else if (event.key === "End") next = order.at(-1);
    else if (event.key === "Enter") {
      const badge = span.querySelector(".rank");
      event.preventDefault();  // else the same key would press the button that now gets the focus
      if (badge) this.onRank(Number(badge.dataset.rank));
      return;
    } else return;
    event.preventDefault();
    if (next !== undefined) {
      this.spans[next].scrollIntoView({ block: "nearest" });
      this.move(this.spans[next]);
    }
  }

  tap(event) {
    const badge = event.target.closest(".rank");
    if (badge) this.onRank(Number(badge.dataset.rank));
  }
}
