// The page: takes a text, has it analysed and shows the result.

import { find, visible } from "./elements.js";
import { Intake, megabytes } from "./intake.js";
import { LibraryTab } from "./library.js";
import { busy, fail } from "./notices.js";
import { Preferences } from "./preferences.js";
import { Result } from "./result.js";
import * as service from "./service.js";
import { Tabs } from "./tabs.js";
import { number, words } from "./wording.js";

const N_LABELS = 16;
let facts = null;
let running = null;

const result = new Result();
const library = new LibraryTab(fail, follow);
const tabs = new Tabs((name) => { if (name === "search") library.open(); });
const intake = new Intake({ fail, begin: () => tabs.open("paste") });
const preferences = new Preferences(() => {
  count();
  library.say();
  sayWhatIsKnown();
  result.draw();
});

/** Analyse a text and show the result. */
async function analyse(text, name = "") {
  fail(null);
  if (!text.trim()) return fail(new service.Problem(words().empty));
  if (facts && new Blob([JSON.stringify(text)]).size + 100 > facts.body_bytes) return fail(new service.Problem(words().tooLarge(megabytes(facts.body_bytes))));
  running?.abort();
  const mine = running = new AbortController();
  const stop = busy(mine, () => running === mine);
  try {
    result.show(text, name, await service.explain({ text, n_labels: N_LABELS }, mine.signal));
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  } finally {
    stop();
  }
  return undefined;
}

/** Open the article that the address names, so that the browser's own back and forward work. */
async function follow() {
  library.mark();
  const asked_for = /^#article-(\d+)$/.exec(location.hash);
  if (!asked_for) return;
  tabs.open("search");
  try {
    const found = await service.article(asked_for[1]);
    await analyse(found.text, found.title);
  } catch (error) {
    fail(error);
  }
}

function sayWhatIsKnown() {
  if (facts) find("knows").textContent = words().knows(number(facts.labels.length), facts.labels.map(visible).join(", "));
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
  listen();
  preferences.restore();
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
