// The page: takes a text, has it analysed, and keeps what is shown in step with what is chosen.

import { Article } from "./article.js";
import { Evidence } from "./evidence.js";
import { LibraryTab } from "./library.js";
import * as panels from "./panels.js";
import * as service from "./service.js";
import { currentLanguage, number, speak, words } from "./wording.js";

const N_LABELS = 16;
const find = (id) => document.getElementById(id);
const state = { text: "", name: "", target: "", versus: null, method: "contribution", amount: 80, allLabels: false, checked: null };
let facts = null;
let evidence = null;
let running = null;

const article = new Article(find("article"), find("tip"), (rank) => find(`rank-${rank}`)?.focus());
const library = new LibraryTab(fail);

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

const asked = () => ({ text: state.text, target: state.target, versus: state.versus });

function showCheck() {
  panels.showCheck(state.checked);
  for (const id of ["check", "check-about"]) find(id).hidden = state.checked !== null;
}

async function check() {
  find("check").disabled = true;
  find("checked").textContent = words().checking;
  try {
    state.checked = await service.check(asked());
    showCheck();
  } catch (error) {
    panels.showCheck(null);
    fail(error);
  } finally {
    find("check").disabled = false;
  }
}

// ---- Taking along ----------------------------------------------------------------------------------

async function copy() {
  const answer = service.explanationText(asked());
  try {
    if (navigator.clipboard?.write) {
      // The text may come after the click: the promise keeps the reader's permission.
      const blob = answer.then((text) => new Blob([text], { type: "text/plain" }));
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    } else {
      copyByHand(await answer);
    }
    find("status").textContent = words().copied;
  } catch (error) {
    fail(error instanceof service.Problem ? error : new service.Problem(words().copyFailed));
  }
}

/** Without a secure address browsers have only this. */
function copyByHand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new service.Problem(words().copyFailed);
}

async function download() {
  try {
    const page = await service.page({ ...asked(), language: currentLanguage(), name: state.name || null });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(page);
    link.download = `${(state.name || "hdoc").replace(/[^\p{L}\p{N} ._-]/gu, "").slice(0, 60).trim() || "hdoc"}.html`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    find("status").textContent = words().saved;
  } catch (error) {
    fail(error);
  }
}

// ---- Bringing in -----------------------------------------------------------------------------------

const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;

async function take(file) {
  if (!file) return;
  fail(null);
  if (facts && file.size > facts.file_bytes) {
    fail(new service.Problem(words().largeFile(file.name, megabytes(facts.file_bytes))));
    return;
  }
  openTab("paste");
  find("status").textContent = words().reading(file.name);
  try {
    const { text } = await service.extract(file);
    put(text, file.name);
  } catch (error) {
    fail(error.kind === "input" ? new service.Problem(words().badFile(file.name)) : error);
  } finally {
    find("status").replaceChildren();
  }
}

function put(text, name) {
  find("text").value = text;
  find("text").dataset.name = name;
  find("text").dispatchEvent(new Event("input"));
  find("analyse").focus();
}

function dropping() {
  const drop = find("drop");
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.hidden = false;
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.hidden = true; });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.hidden = true;
    take(event.dataTransfer.files[0]);
  });
}

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
  if (evidence) draw();
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
    analyse(find("text").value, find("text").dataset.name);
  });
  find("text").addEventListener("input", (event) => {
    count();
    if (event.isTrusted) find("text").dataset.name = "";
  });
  find("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("panel-paste").requestSubmit();
  });
  find("open").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", (event) => { take(event.target.files[0]); event.target.value = ""; });
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
  find("copy").addEventListener("click", copy);
  find("download").addEventListener("click", download);
  find("language").addEventListener("click", () => setLanguage(currentLanguage() === "ko" ? "en" : "ko"));
  find("theme").addEventListener("click", () => setTheme(find("theme").getAttribute("aria-pressed") !== "true"));
  addEventListener("hashchange", follow);
  dropping();
}

function askForToken() {
  const gate = find("gate");
  find("token").value = "";
  gate.showModal();
  return new Promise((resolve) => { gate.addEventListener("close", () => resolve(find("token").value || null), { once: true }); });
}

async function start() {
  service.onToken(askForToken);
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
  listen();
  setLanguage(localStorage.getItem("hdoc-language") ?? "ko");
  try {
    facts = await service.facts();
  } catch (error) {
    fail(error);
    return;
  }
  library.know(facts.library);
  find("samples").replaceChildren(...facts.samples.map(({ name, title }) => {
    const choice = document.createElement("button");
    choice.type = "button";
    choice.className = "plain small";
    choice.lang = "ko";
    choice.textContent = title;
    choice.addEventListener("click", async () => put((await service.sample(name)).text, ""));
    return choice;
  }));
  await follow();
}

start();
