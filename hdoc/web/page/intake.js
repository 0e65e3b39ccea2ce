// How a text comes in beside being pasted: files that are opened or dropped, and samples.

import { element, find } from "./elements.js";
import * as service from "./service.js";
import { words } from "./wording.js";

export const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;

export class Intake {
  constructor({ fail, begin }) {
    this.fail = fail;
    this.begin = begin;  // called when a file comes, to show where its text will stand
    this.fileBytes = Infinity;
    find("open").addEventListener("click", () => find("file").click());
    find("file").addEventListener("change", (event) => { this.take(event.target.files[0]); event.target.value = ""; });
    this.listenForDrops();
  }

  /** Take what the server says of its limits and samples. */
  know(facts) {
    this.fileBytes = facts.file_bytes;
    find("samples").replaceChildren(...facts.samples.map(({ name, title }) => {
      const choice = element("button", { type: "button", class: "plain small", lang: "ko" }, title);
      choice.addEventListener("click", () => service.sample(name).then(({ text }) => this.put(text, ""), this.fail));
      return choice;
    }));
  }

  async take(file) {
    if (!file) return;
    this.fail(null);
    if (file.size > this.fileBytes) {
      this.fail(new service.Problem(words().largeFile(file.name, megabytes(this.fileBytes))));
      return;
    }
    this.begin();
    find("status").textContent = words().reading(file.name);
    try {
      const { text } = await service.extract(file);
      this.put(text, file.name);
    } catch (error) {
      this.fail(error.kind === "input" ? new service.Problem(words().badFile(file.name)) : error);
    } finally {
      find("status").replaceChildren();
    }
  }

  put(text, name) {
    find("text").value = text;
    find("text").dataset.name = name;
    find("text").dispatchEvent(new Event("input"));
    find("analyse").focus();
  }

  listenForDrops() {
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
      this.take(event.dataTransfer.files[0]);
    });
  }
}
