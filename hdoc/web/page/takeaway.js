// What a reader takes along: the explanation as JSON on the clipboard, or as a page of its own.

import * as service from "./service.js";
import { currentLanguage, words } from "./wording.js";

/** Copy the explanation of what is asked, exactly as the API gives it. */
export async function copy(asked) {
  const answer = service.explanationText(asked);
  try {
    if (navigator.clipboard?.write) {
      // The text may come after the click: the promise keeps the reader's permission.
      const blob = answer.then((text) => new Blob([text], { type: "text/plain" }));
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    } else {
      copyByHand(await answer);
    }
  } catch (error) {
    throw error instanceof service.Problem ? error : new service.Problem(words().copyFailed);
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

/** Save a page that needs neither a server nor a script. */
export async function download(asked, name) {
  const page = await service.page({ ...asked, language: currentLanguage(), name: name || null });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(page);
  link.download = `${name.replace(/[^\p{L}\p{N} ._-]/gu, "").slice(0, 60).trim() || "hdoc"}.html`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
