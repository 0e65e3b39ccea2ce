// The language and the theme, which the browser remembers.

import { find } from "./elements.js";
import { currentLanguage, speak, words } from "./wording.js";

const LANGUAGE = "hdoc-language";
const THEME = "hdoc-theme";

export class Preferences {
  constructor(onLanguage) {
    this.onLanguage = onLanguage;  // called when all that was written must be written anew
    find("language").addEventListener("click", () => this.setLanguage(currentLanguage() === "ko" ? "en" : "ko"));
    find("theme").addEventListener("click", () => {
      const dark = find("theme").getAttribute("aria-pressed") !== "true";
      localStorage.setItem(THEME, dark ? "dark" : "light");
      this.setTheme(dark);
    });
  }

  /** Take what the browser remembers. */
  restore() {
    const theme = localStorage.getItem(THEME);
    this.setTheme(theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
    this.setLanguage(localStorage.getItem(LANGUAGE) ?? "ko");
  }

  setLanguage(chosen) {
    speak(chosen);
    localStorage.setItem(LANGUAGE, chosen);
    find("language").textContent = chosen === "ko" ? "EN" : "한";
    find("language").lang = chosen === "ko" ? "en" : "ko";
    find("language").setAttribute("aria-label", words().language);
    this.onLanguage();
  }

  setTheme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    find("theme").setAttribute("aria-pressed", String(dark));
  }
}
