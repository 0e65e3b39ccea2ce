// The result of one text, kept in step with what the reader chooses: a label, a comparison, a method, an amount.

import { Article } from "./article.js";
import { find } from "./elements.js";
import { Evidence } from "./evidence.js";
import { fail, sayWhenDone } from "./notices.js";
import * as panels from "./panels.js";
import * as service from "./service.js";
import * as takeaway from "./takeaway.js";
import { number, words } from "./wording.js";

export class Result {
  constructor() {
    this.article = new Article(find("article"), find("tip"), (rank) => find(`rank-${rank}`)?.focus());
    this.evidence = null;
    this.state = { text: "", name: "", target: "", versus: null, method: "contribution", amount: 80, allLabels: false, checked: null };
    this.listen();
  }

  listen() {
    const { state } = this;
    for (const choice of document.querySelectorAll('[name="method"]')) {
      choice.addEventListener("change", () => { state.method = choice.value; this.draw(); });
    }
    find("amount").addEventListener("input", (event) => { state.amount = Number(event.target.value); this.highlight(); });
    find("versus").addEventListener("change", (event) => this.choose(state.target, event.target.value || null));
    find("all-labels").addEventListener("click", () => { state.allLabels = !state.allLabels; this.drawLabels(); });
    find("check").addEventListener("click", () => this.check());
    find("copy").addEventListener("click", () => sayWhenDone(takeaway.copy(this.asked), "copied"));
    find("download").addEventListener("click", () => sayWhenDone(takeaway.download(this.asked, state.name), "saved"));
  }

  /** Show the explanation of a new text. */
  show(text, name, explanation) {
    this.evidence = new Evidence(text, explanation);
    Object.assign(this.state, { text, name, target: explanation.target, versus: null, allLabels: false, checked: null });
    find("result").hidden = false;
    document.body.classList.add("analysed");
    this.article.show(this.evidence);
    this.draw();
    find("result").focus({ preventScroll: true });
    find("result").scrollIntoView({ block: "start" });
  }

  /** Show all that depends on what is chosen, or on the language. */
  draw() {
    const { evidence, state } = this;
    if (!evidence) return;
    const { explanation } = evidence;
    const jump = (index) => this.article.jump(index);
    this.view = evidence.view(state.target, state.versus, state.method);
    panels.showVerdict(explanation, state);
    this.drawLabels();
    panels.showLegend(this.view);
    panels.showRanked(this.view, jump);
    panels.showWords(this.view, jump);
    panels.showFacts(explanation, this.view);
    this.drawCheck();
    this.highlight();
  }

  drawLabels() {
    const { state } = this;
    panels.showLabels(this.evidence.explanation, state, (label) => this.choose(label, label === state.versus ? null : state.versus));
  }

  highlight() {
    const n_shown = this.article.paint(this.view, this.state.amount);
    const said = words().amountSaid(this.state.amount, number(n_shown));
    find("amount-said").textContent = said;
    find("amount").setAttribute("aria-valuetext", said);
  }

  /** Show the evidence for a label, or for it against another. */
  async choose(target, versus) {
    const { state } = this;
    try {
      for (const label of [target, versus]) {
        if (label !== null && !this.evidence.has(label)) this.evidence.learn(await service.explain({ text: state.text, target: label }));
      }
      Object.assign(state, { target, versus, checked: null });
      const focused = document.activeElement?.closest("#labels button") !== null && document.activeElement !== null;
      this.draw();
      if (focused) find("labels").querySelector('[aria-pressed="true"]')?.focus();
    } catch (error) {
      fail(error);
    }
  }

  /** What is shown, as the API is asked for it. */
  get asked() {
    const { text, target, versus } = this.state;
    return { text, target, versus };
  }

  drawCheck() {
    panels.showCheck(this.state.checked, this.evidence, (index) => this.article.jump(index));
    for (const id of ["check", "check-about"]) find(id).hidden = this.state.checked !== null;
  }

  /** Have the evidence deleted, and show what that does to the probability. */
  async check() {
    const { state } = this;
    find("check").disabled = true;
    find("checked").textContent = words().checking;
    const { text, target, versus } = state;
    try {
      const found = await service.check(this.asked);
      if (state.text !== text || state.target !== target || state.versus !== versus) return;  // the reader has moved on
      state.checked = found;
      this.drawCheck();
    } catch (error) {
      find("checked").replaceChildren();
      fail(error);
    } finally {
      find("check").disabled = false;
    }
  }
}
