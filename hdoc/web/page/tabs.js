// The two tabs that a text comes from: pasted or opened, or found in the library.

import { find } from "./elements.js";

const TABS = ["paste", "search"];

export class Tabs {
  constructor(onOpen) {
    this.onOpen = onOpen;  // called with the name of the tab that is opened
    for (const name of TABS) {
      find(`tab-${name}`).addEventListener("click", () => this.open(name));
      find(`tab-${name}`).addEventListener("keydown", (event) => this.key(event, name));
    }
  }

  open(name, focus = false) {
    for (const each of TABS) {
      const tab = find(`tab-${each}`);
      const chosen = each === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      find(`panel-${each}`).hidden = !chosen;
      if (chosen && focus) tab.focus();
    }
    this.onOpen(name);
  }

  key(event, name) {
    const other = TABS[1 - TABS.indexOf(name)];
    const next = { ArrowRight: other, ArrowLeft: other, Home: TABS[0], End: TABS[1] }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.open(next, true);
  }
}
