// The tab that searches the library.

import { element, find, visible } from "./elements.js";
import * as service from "./service.js";
import { number, probability, words } from "./wording.js";

const DELAY = 250;

/** A text with the query's words marked; places are code points. */
function marked(text, marks) {
  const characters = [...text];
  const parts = [];
  let end = 0;
  for (const [start, stop] of marks) {
    parts.push(visible(characters.slice(end, start).join("")), element("mark", { class: "hit" }, visible(characters.slice(start, stop).join(""))));
    end = stop;
  }
  parts.push(visible(characters.slice(end).join("")));
  return parts;
}

/** A title with the query's words marked. */
function markedTitle(title, query) {
  const sought = query.split(/\s+/).filter((word) => word.length > 1).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!sought.length) return [visible(title)];
  return title.split(new RegExp(`(${sought.join("|")})`, "giu"))
    .map((part, index) => (index % 2 ? element("mark", { class: "hit" }, visible(part)) : visible(part)));
}

export class LibraryTab {
  constructor(fail, open) {
    this.fail = fail;
    this.found = [];
    this.more = false;
    find("finder").addEventListener("submit", (event) => { event.preventDefault(); this.search(); });
    find("query").addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), DELAY);
    });
    find("filter").addEventListener("change", () => this.search());
    find("more").addEventListener("click", () => this.search(this.found.length));
    find("articles").addEventListener("click", (event) => {
      // The address does not change, so the browser says nothing, but the reader wants to see it again.
      if (event.target.closest('a[aria-current="true"]')) open();
    });
  }

  /** Take what the server says of its library. */
  know(library) {
    this.library = library;
    this.say();
  }

  /** Write all that depends on the language. */
  say() {
    const chosen = find("filter").value;
    const labels = Object.entries(this.library?.labels ?? {});
    find("filter").replaceChildren(element("option", { value: "" }, words().everyLabel),
      ...labels.map(([label, n]) => element("option", { value: label }, `${visible(label)} (${number(n)})`)));
    find("filter").value = chosen;
    find("finder").hidden = !this.library;
    if (!this.library) {
      find("found").replaceChildren(words().noLibrary, element("code", {}, "hdoc library add articles.jsonl"));
    } else {
      this.list();
    }
  }

  /** Mark the article that the address names. */
  mark() {
    for (const link of find("articles").querySelectorAll("a")) {
      if (link.hash === location.hash) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  /** Called when the tab is opened. */
  open() {
    if (this.library && !this.found.length) this.search();
  }

  async search(offset = 0) {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = new AbortController();
    const query = find("query").value.trim();
    if (query.length === 1) {
      find("found").textContent = words().shortQuery;
      return;
    }
    try {
      const page = await service.articles(query, find("filter").value, offset, this.running.signal);
      this.found = offset ? [...this.found, ...page.articles] : page.articles;
      this.more = page.more;
      this.list(offset);
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    }
  }

  list(offset = 0) {
    const n = this.found.length;
    const chosen = find("filter").value;
    const query = find("query").value.trim();
    const all = query ? null : chosen ? this.library.labels[chosen] : this.library.n_articles;
    const said = !n ? words().nothing : all ? words().found(number(all), false) : words().found(number(n), this.more);
    find("found").textContent = this.library.same_model ? said : `${said} ${words().otherModel}`;
    const rows = this.found.map((article) => element("li", {},
      element("a", { href: `#article-${article.id}`, "aria-current": location.hash === `#article-${article.id}` ? "true" : null },
        element("span", { class: "title", lang: "ko", dir: "auto" }, ...markedTitle(article.title, query)),
        element("span", { class: "meta" },
          element("span", { class: "chip" }, element("bdi", {}, visible(article.label))),
          element("span", {}, probability(article.probability)),
          element("time", { datetime: article.added }, article.added.slice(0, 10))),
        element("span", { class: "snippet", lang: "ko" }, ...marked(article.snippet, article.marks)))));
    find("articles").replaceChildren(...rows);
    find("more").hidden = !this.more;
    if (offset) rows[offset]?.querySelector("a").focus();
  }
}
