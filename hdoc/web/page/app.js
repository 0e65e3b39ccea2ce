// The page: takes a text, has it analysed, and keeps what is shown in step with what is chosen.

import { Article, visible } from "./article.js";
import { Evidence } from "./evidence.js";
import { Intake, megabytes } from "./intake.js";
import { LibraryTab } from "./library.js";
import * as panels from "./panels.js";
import * as service from "./service.js";
import * as takeaway from "./takeaway.js";
import { currentLanguage, number, speak, words } from "./wording.js";

const N_LABELS = 16;
const SAID_FOR = 5000;
const find = (id) => document.getElementById(id);
const state = { text: "", name: "", target: "", versus: null, method: "contribution", amount: 80, allLabels: false, checked: null };
let facts = null;
let evidence = null;
let running = null;

const article = new Article(find("article"), find("tip"), (rank) => find(`rank-${rank}`)?.focus());
const intake = new Intake({ fail, begin: () => openTab("paste") });
const library = new LibraryTab(fail, follow);

// ---- Analysing -------------------------------------------------------------------------------------

/** Analyse a text and show the result. */
async function analyse(text, name = "") {
  fail(null);
  if (!text.trim()) return fail(new service.Problem(words().empty));
  if (facts && new Blob([JSON.stringify(text)]).size + 100 > facts.body_bytes) return fail(new service.Problem(words().tooLarge(megabytes(facts.body_bytes))));
  running?.abort();
  const mine = running = new AbortController();
  const stop = busy(mine);
  try {
    const explanation = await service.explain({ text, n_labels: N_LABELS }, mine.signal);
    evidence = new Evidence(text, explanation);
    Object.assign(state, { text, name, target: explanation.target, versus: null, allLabels: false, checked: null });
    find("result").hidden = false;
    document.body.classList.add("analysed");
    article.show(evidence);
    draw();
    find("result").focus({ preventScroll: true });
    find("result").scrollIntoView({ block: "start" });
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  } finally {
    stop();
  }
  return undefined;
}

/** Say that something is under way; returns what ends it. */
function busy(controller) {
  const start = performance.now();
  find("analyse").disabled = true;
  const say = () => {
    const seconds = Math.floor((performance.now() - start) / 1000);
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.className = "plain small";
    cancel.textContent = words().cancel;
    cancel.addEventListener("click", () => controller.abort());
    find("status").replaceChildren(seconds < 2 ? words().analysing : words().analysingFor(number(seconds)), " ", cancel);
  };
  const first = setTimeout(say, 200);  // most answers are there before anything needs to be said
  const timer = setInterval(say, 2000);
  return () => {
    clearTimeout(first);
    clearInterval(timer);
    if (running === controller) {
      find("status").replaceChildren();
      find("analyse").disabled = false;
    }
  };
}

function fail(problem) {
  find("problem").textContent = problem === null ? "" : problem instanceof service.Problem ? problem.message : words().failed;
  if (problem) find("problem").scrollIntoView({ block: "nearest" });
  if (problem && !(problem instanceof service.Problem)) console.error(problem);
}

// ---- Showing ---------------------------------------------------------------------------------------

/** Show all that depends on what is chosen. */
function draw() {
  const { explanation } = evidence;
  const view = evidence.view(state.target, state.versus, state.method);
  panels.showVerdict(explanation, state);
  panels.showLabels(explanation, state, (label) => choose(label, label === state.versus ? null : state.versus));
  panels.showLegend(view);
  panels.showRanked(view, (index) => article.jump(index));
  panels.showWords(view, (index) => article.jump(index));
  panels.showFacts(explanation, view);
  showCheck();
  highlight(view);
  draw.view = view;
}

function highlight(view = draw.view) {
  const n_shown = article.paint(view, state.amount);
  const said = words().amountSaid(state.amount, number(n_shown));
  find("amount-said").textContent = said;
  find("amount").setAttribute("aria-valuetext", said);
}

/** Show the evidence for a label, or for it against another. */
async function choose(target, versus) {
  try {
    for (const label of [target, versus]) {
      if (label !== null && !evidence.has(label)) evidence.learn(await service.explain({ text: state.text, target: label }));
    }
    Object.assign(state, { target, versus, checked: null });
    const focused = document.activeElement?.closest("#labels button") !== null && document.activeElement !== null;
    draw();
    if (focused) find("labels").querySelector('[aria-pressed="true"]')?.focus();
  } catch (error) {
    fail(error);
  }
}

/** What is shown, as the API is asked for it. */
const asked = () => ({ text: state.text, target: state.target, versus: state.versus });

function showCheck() {
  panels.showCheck(state.checked, evidence, (index) => article.jump(index));
  for (const id of ["check", "check-about"]) find(id).hidden = state.checked !== null;
}

async function check() {
  find("check").disabled = true;
  find("checked").textContent = words().checking;
  const { text, target, versus } = state;
  try {
    const found = await service.check(asked());
    if (state.text !== text || state.target !== target || state.versus !== versus) return;  // the reader has moved on
    state.checked = found;
    showCheck();
  } catch (error) {
    find("checked").replaceChildren();
    fail(error);
  } finally {
    find("check").disabled = false;
  }
}

/** Let the reader take something along, and say that it is done. */
async function take(taking, said) {
  try {
    await taking;
    find("status").textContent = words()[said];
    setTimeout(() => { if (find("status").textContent === words()[said]) find("status").replaceChildren(); }, SAID_FOR);
  } catch (error) {
    fail(error);
  }
}

// ---- Moving about ------------------------------------------------------------------------------------

const TABS = ["paste", "search"];

function openTab(name, focus = false) {
  for (const each of TABS) {
    const tab = find(`tab-${each}`);
    const chosen = each === name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    find(`panel-${each}`).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
  if (name === "search") library.open();
}

/** Open the article that the address names, so that the browser's own back and forward work. */
async function follow() {
  library.mark();
  const asked_for = /^#article-(\d+)$/.exec(location.hash);
  if (!asked_for) return;
  openTab("search");
  try {
    const found = await service.article(asked_for[1]);
    await analyse(found.text, found.title);
  } catch (error) {
    fail(error);
  }
}

// ---- Setting up ------------------------------------------------------------------------------------

function setLanguage(chosen) {
  speak(chosen);
  localStorage.setItem("hdoc-language", chosen);
  find("language").textContent = chosen === "ko" ? "EN" : "한";
  find("language").lang = chosen === "ko" ? "en" : "ko";
  find("language").setAttribute("aria-label", words().language);
  count();
  library.say();
  sayWhatIsKnown();
  if (evidence) draw();
}

function sayWhatIsKnown() {
  if (facts) find("knows").textContent = words().knows(number(facts.labels.length), facts.labels.map(visible).join(", "));
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  find("theme").setAttribute("aria-pressed", String(dark));
}

function count() {
  const { length } = find("text").value;
  find("count").textContent = length ? words().characters(number(length)) : "";
}

function listen() {
  find("panel-paste").addEventListener("submit", (event) => {
    event.preventDefault();
    if (location.hash) history.pushState(null, "", location.pathname);  // no article of the library any more
    library.mark();
    analyse(find("text").value, find("text").dataset.name);
  });
  find("text").addEventListener("input", (event) => {
    count();
    if (event.isTrusted) find("text").dataset.name = "";
  });
  find("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("panel-paste").requestSubmit();
  });
  for (const name of TABS) {
    find(`tab-${name}`).addEventListener("click", () => openTab(name));
    find(`tab-${name}`).addEventListener("keydown", (event) => {
      const next = { ArrowRight: 1, ArrowLeft: 1, Home: 0, End: 0 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      openTab(event.key === "Home" ? "paste" : event.key === "End" ? "search" : TABS[1 - TABS.indexOf(name)], true);
    });
  }
  for (const choice of document.querySelectorAll('[name="method"]')) {
    choice.addEventListener("change", () => { state.method = choice.value; draw(); });
  }
  find("amount").addEventListener("input", (event) => { state.amount = Number(event.target.value); highlight(); });
  find("versus").addEventListener("change", (event) => choose(state.target, event.target.value || null));
  find("all-labels").addEventListener("click", () => {
    state.allLabels = !state.allLabels;
    panels.showLabels(evidence.explanation, state, (label) => choose(label, label === state.versus ? null : state.versus));
  });
  find("check").addEventListener("click", check);
  find("copy").addEventListener("click", () => take(takeaway.copy(asked()), "copied"));
  find("download").addEventListener("click", () => take(takeaway.download(asked(), state.name), "saved"));
  find("language").addEventListener("click", () => setLanguage(currentLanguage() === "ko" ? "en" : "ko"));
  find("theme").addEventListener("click", () => {
    const dark = find("theme").getAttribute("aria-pressed") !== "true";
    localStorage.setItem("hdoc-theme", dark ? "dark" : "light");
    setTheme(dark);
  });
  addEventListener("hashchange", follow);
}

function askForToken() {
  const gate = find("gate");
  find("token").value = "";
  gate.showModal();
  return new Promise((resolve) => { gate.addEventListener("close", () => resolve(find("token").value || null), { once: true }); });
}

async function start() {
  service.onToken(askForToken);
  const theme = localStorage.getItem("hdoc-theme");
  setTheme(theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  listen();
  setLanguage(localStorage.getItem("hdoc-language") ?? "ko");
  try {
    facts = await service.facts();
  } catch (error) {
    fail(error);
    return;
  }
  library.know(facts.library);
  intake.know(facts);
  sayWhatIsKnown();
  await follow();
}

start();
