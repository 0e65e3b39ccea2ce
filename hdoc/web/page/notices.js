// Notices: something is under way, is done, or went wrong.

import { element, find } from "./elements.js";
import { Problem } from "./service.js";
import { number, words } from "./wording.js";

const SAID_FOR = 5000;

/** Say what went wrong; null takes it back. */
export function fail(problem) {
  find("problem").textContent = problem === null ? "" : problem instanceof Problem ? problem.message : words().failed;
  if (problem) find("problem").scrollIntoView({ block: "nearest" });
  if (problem && !(problem instanceof Problem)) console.error(problem);
}

/** Say that an analysis is under way, with a button that aborts it; returns what ends the notice.
 *  `isCurrent` tells whether no other analysis has begun since: then that one owns the notice. */
export function busy(controller, isCurrent) {
  const start = performance.now();
  find("analyse").disabled = true;
  const say = () => {
    const seconds = Math.floor((performance.now() - start) / 1000);
    const cancel = element("button", { type: "button", class: "plain small" }, words().cancel);
    cancel.addEventListener("click", () => controller.abort());
    find("status").replaceChildren(seconds < 2 ? words().analysing : words().analysingFor(number(seconds)), " ", cancel);
  };
  const first = setTimeout(say, 200);  // most answers are there before anything needs to be said
  const timer = setInterval(say, 2000);
  return () => {
    clearTimeout(first);
    clearInterval(timer);
    if (isCurrent()) {
      find("status").replaceChildren();
      find("analyse").disabled = false;
    }
  };
}

/** Wait for a promise, and say for a while that it is done, in the words of this name. */
export async function sayWhenDone(promise, name) {
  try {
    await promise;
    find("status").textContent = words()[name];
    setTimeout(() => { if (find("status").textContent === words()[name]) find("status").replaceChildren(); }, SAID_FOR);
  } catch (error) {
    fail(error);
  }
}
