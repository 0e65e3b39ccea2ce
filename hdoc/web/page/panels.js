// What stands around the text: verdict, labels, legend, strongest sentences and words, trust check, facts.

import { element, find, visible } from "./elements.js";
import { number, particle, percentage, probability, signed, words } from "./wording.js";

const N_LABELS = 5;
const N_RANKED = 7;
const N_WORDS = 10;
const DOUBTFUL = 0.5;  // a category that is less probable than all others together
const isolated = (text) => element("bdi", {}, visible(text));
const folded = (text) => visible(text).replace(/\s+/g, " ").trim();

/** A bar filled to `share`, 0 to 1; the number beside it is what a reader hears. */
export function bar(share) {
  const made = element("span", { class: "bar", "aria-hidden": "true" }, element("span"));
  made.firstChild.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  return made;
}

/** The category, or the question that a comparison answers. */
export function showVerdict(explanation, state) {
  const { target, versus } = state;
  const compared = versus !== null;
  find("name").textContent = state.name ? visible(state.name) : "";
  find("kicker").hidden = compared;
  find("verdict").replaceChildren(isolated(compared ? words().question(target, versus, particle(versus)) : explanation.label));
  find("verdict").classList.toggle("question", compared);
  const said = (label) => probability(explanation.probabilities[label]);
  find("probability").textContent = compared ? words().against(said(target), said(versus)) : probability(explanation.probability);
  const [, second] = Object.keys(explanation.probabilities);
  let note = "";
  if (!compared && target !== explanation.label) note = words().other(visible(target), said(target));
  else if (!compared && explanation.probability < DOUBTFUL && second !== undefined) note = words().doubtful(visible(second), said(second));
  find("other").textContent = note;
}

/** The most probable labels as buttons that show the evidence for each. */
export function showLabels(explanation, state, choose) {
  const all = Object.entries(explanation.probabilities);
  const shown = all.filter(([label], index) => state.allLabels || index < N_LABELS || label === state.target || label === state.versus);
  find("labels").replaceChildren(...shown.map(([label, value]) => {
    const side = label === state.target ? "f" : label === state.versus ? "a" : "n";
    const row = element("button", { type: "button", class: side, "aria-pressed": String(label === state.target) },
      isolated(label), bar(value), element("span", { class: "value" }, probability(value)));
    row.addEventListener("click", () => choose(label));
    return element("li", {}, row);
  }));
  const more = find("all-labels");
  more.hidden = all.length <= N_LABELS;
  more.textContent = state.allLabels ? words().fewLabels : words().allLabels(number(all.length));
  more.setAttribute("aria-expanded", String(state.allLabels));
  const options = all.filter(([label]) => label !== state.target).map(([label, value]) => {
    const option = element("option", { value: label }, `${visible(label)} (${probability(value)})`);
    option.selected = label === state.versus;
    return option;
  });
  find("versus").replaceChildren(element("option", { value: "" }, words().noVersus), ...options);
  if (state.versus === null) find("versus").value = "";
}

/** What colours and strokes mean. */
export function showLegend(view) {
  const swatch = (side) => {
    const made = element("span", { class: `steps ${side}`, "aria-hidden": "true" });
    for (const strength of [0.2, 0.4, 0.6, 0.8, 1]) {
      const step = element("i");
      step.style.setProperty("--v", strength);
      made.append(step);
    }
    return made;
  };
  const word = (side) => {
    const mark = element("mark", { class: side }, words().strongestWord);
    mark.style.setProperty("--v", "0.7");
    return mark;
  };
  if (view.attention) {
    find("legend").replaceChildren(element("span", {}, swatch("n"), ` ${words().attended}`), element("span", {}, word("n")));
    return;
  }
  const supports = view.versus === null ? words().supports : words().side(visible(view.target));
  const opposes = view.versus === null ? words().opposes : words().side(visible(view.versus));
  find("legend").replaceChildren(
    element("span", {}, swatch("f"), ` + ${supports}`), element("span", {}, swatch("a"), ` − ${opposes}`),
    element("span", {}, word("f"), " ", word("a")),
  );
}

const shareOf = (view, value, scale) => {
  const said = percentage(scale.share(value));
  return view.attention ? said.replace(/^\+/, "") : said;
};

/** The strongest sentences, each a button that jumps to it. */
export function showRanked(view, jump) {
  const { text, sentences } = view.evidence;
  const order = [...view.sentence.order.subarray(0, N_RANKED)].filter((index) => view.sentence.sizes[index]);
  find("sentences").replaceChildren(...order.map((index, rank) => {
    const value = view.sentence.values[index];
    const spelling = folded(text.slice(sentences[index].start, sentences[index].end));
    const row = element("button", { type: "button", class: view.side(value), id: `rank-${rank + 1}`, title: words().jump },
      element("span", { class: "place" }, String(rank + 1)),
      element("span", { class: "share" }, shareOf(view, value, view.sentence)),
      bar(view.sentence.strength(index)),
      element("bdi", { lang: "ko" }, spelling.length > 120 ? `${spelling.slice(0, 119)}…` : spelling));
    row.addEventListener("click", () => jump(index));
    return element("li", {}, row);
  }));
}

/** The strongest words, equal ones together. */
export function showWords(view, jump) {
  find("words").replaceChildren(...view.strongestWords(N_WORDS).map((group) => {
    const spelling = folded(group.spelling);
    const title = view.attention ? words().jump : `${words().contribution} ${signed(group.value)}`;
    const row = element("button", { type: "button", class: view.side(group.value), title },
      element("bdi", { lang: "ko" }, spelling.length > 24 ? `${spelling.slice(0, 23)}…` : spelling),
      group.times > 1 ? element("span", { class: "times" }, words().times(group.times)) : "",
      element("span", { class: "share" }, shareOf(view, group.value, view.word)));
    row.addEventListener("click", () => jump(view.evidence.words[group.strongest].sentence));
    return element("li", {}, row);
  }));
}

/** What became of the probability without the strongest sentences. */
export function showCheck(found, evidence, jump) {
  const place = find("checked");
  const deletion = found?.sentences ?? null;
  if (!found) return place.replaceChildren();
  if (!deletion) return place.replaceChildren(element("p", { class: "note" }, words().uncheckable));
  const n = number(deletion.spans.length);
  const rows = [
    [words().whole, found.probability, "f"],
    [words().without(n), deletion.without_strongest, "f"],
    [words().withoutRandom(n), deletion.without_random, "n"],
  ].map(([name, value, side]) => element("li", { class: side },
    element("span", {}, name), bar(value), element("span", { class: "value" }, probability(value))));
  const outcome = `${probability(found.probability)} → ${probability(deletion.without_strongest)}`;
  const removed = deletion.spans.map(([start]) => evidence.explanation.sentences.findIndex((sentence) => sentence.start === start));
  return place.replaceChildren(
    element("p", {}, words().removing(n)),
    element("ol", { class: "removed" }, ...removed.filter((index) => index >= 0).map((index) => {
      const { start, end } = evidence.sentences[index];
      const row = element("button", { type: "button", title: words().jump }, element("bdi", { lang: "ko" }, folded(evidence.text.slice(start, end)).slice(0, 200)));
      row.addEventListener("click", () => jump(index));
      return element("li", {}, row);
    })),
    element("p", { class: "outcome" }, outcome),
    element("ul", { class: "outcomes" }, ...rows),
    element("p", { class: deletion.beats_random ? "note" : "note warning" }, deletion.beats_random ? words().trusted : words().doubted),
  );
}

/** Which model said so, and how the score comes about. */
export function showFacts(explanation, view) {
  const { evidence } = view;
  const coverage = explanation.coverage === 1 ? "100%" : probability(explanation.coverage);
  const sum = view.score - view.bias;
  const rows = [
    [words().factModel, `${explanation.model.name} ${explanation.model.version}`],
    [words().factChecksum, explanation.model.checksum],
    [words().factRead, words().read(coverage, number(evidence.sentences.length), number(evidence.words.length))],
  ];
  if (!view.attention) rows.push([words().factScore, words().score(signed(view.score, 3), signed(view.bias, 3), signed(sum, 3))]);
  find("facts").replaceChildren(...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, isolated(value)))));
}
